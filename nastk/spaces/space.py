"""What is asked of a space: of every one, and of those that a kind of method can search.

A method names what it needs as these protocols (`Search.needs`), and a space is taken if it has all
that they name: whoever adds a space need not know the methods. spaces/decision_space.py has what most
spaces have in common. Legend: D decisions, O options, D' dimensions of an encoding.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from nastk.genotype import Genotype
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.decision import Decision, Path
from nastk.spaces.derivation import Strengths
from nastk.spaces.mask import Mask


class NetworkSize(NamedTuple):
    """How wide and how deep a network is."""

    init_channels: int
    num_cells: int


@runtime_checkable
class Space(Protocol):
    """What every space has.

    name: in the registry. decisions: in the order that masks, gates and strengths use.
    published_size: of the networks that the publications report; None where there are only tables.
    """

    @property
    def name(self) -> str: ...

    @property
    def decisions(self) -> tuple[Decision, ...]: ...

    @property
    def published_size(self) -> NetworkSize | None: ...

    def mask_of(self, names: Sequence[str] | None) -> Mask:
        """The mask that allows the named options only; None allows all. ValueError for what is left empty."""
        ...

    def check_mask(self, mask: Mask) -> None:
        """ValueError if no useful genotype is left under `mask`."""
        ...

    def body_to_json(self, body: Any) -> dict[str, Any]:
        """A genotype's body as the fields of its file."""
        ...

    def body_from_json(self, content: dict[str, Any]) -> Hashable:
        """The body that a genotype's file holds; a ValueError names the field at fault."""
        ...

    def recognises(self, text: str) -> bool:
        """Whether a text that is no JSON looks like a genotype of this space, if perhaps a wrong one."""
        ...

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:
        """Cell type -> the cell's title and graph, for pictures and text; empty if it has no such cells."""
        ...

    def figures(self, genotype: Genotype) -> dict[str, int]:
        """What the metrics of a step tell of an architecture (how many skips a cell has)."""
        ...


class Codec(Protocol):
    """Between vectors of reals [D'] in the box [0, upper] and the genotypes of a sub-space."""

    @property
    def upper(self) -> tuple[int, ...]:
        """The upper bound of each dimension."""
        ...

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector within the box; every vector has one."""
        ...

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of a box that decodes to `genotype`; ValueError if the mask forbids it."""
        ...


@runtime_checkable
class Encodable(Space, Protocol):
    """A space whose genotypes can be drawn and moved as vectors."""

    def codec(self, mask: Mask) -> Codec:
        """The continuous encoding of the genotypes that obey `mask`."""
        ...


@runtime_checkable
class WithPaths(Space, Protocol):
    """A space whose genotypes are paths through a supernet."""

    def path(self, genotype: Genotype) -> Path:
        """The (decision, option) pairs that run; one that is chosen twice stands twice."""
        ...


@runtime_checkable
class Composed(WithPaths, Protocol):
    """A space whose genotypes are one alternative each of groups that do not depend on one another.

    So the cheapest and the strongest architectures within a limit can be found, group by group.
    """

    def alternatives(self, mask: Mask) -> Sequence[Sequence[Path]]:
        """Of every group the parts of a path that `mask` allows."""
        ...

    def compose(self, parts: Sequence[Path]) -> Genotype:
        """The genotype of one alternative a group, in their order."""
        ...


@runtime_checkable
class Derivable(Space, Protocol):
    """A space in which strengths of options say a genotype."""

    def derive(self, mask: Mask, strengths: Strengths) -> Genotype:
        """The genotype of the strongest options [D][O] that `mask` allows."""
        ...
