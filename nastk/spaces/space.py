"""What all spaces of shared cells have in common: operations on edges, and the masks over them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from nastk.genotype import Genotype, shown
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.mask import Mask


class NetworkSize(NamedTuple):
    """How wide and how deep a network is."""

    init_channels: int
    num_cells: int


@dataclass(frozen=True)
class Space:
    """The operations that an edge may have, and the edges of a cell.

    name: the space's name in the registry.
    operations: in the order that indices, masks and encodings use.
    cell_types: the kinds of cells, each with decisions of its own.
    published_size: of the networks that the publications report.
    """

    name: str
    operations: tuple[str, ...]

    cell_types: ClassVar[tuple[str, ...]]
    published_size: ClassVar[NetworkSize]

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(node, input) of every edge, node by node."""
        raise NotImplementedError

    @cached_property
    def edge_index(self) -> dict[tuple[int, int], int]:
        return {pair: edge for edge, pair in enumerate(self.edges)}

    def full_mask(self) -> Mask:
        return Mask.full(
            num_cell_types=len(self.cell_types),
            num_edges=len(self.edges),
            num_operations=len(self.operations),
        )

    def mask_of(self, names: list[str] | None) -> Mask:
        """The mask that allows the named operations on every edge; None allows all."""
        if names is None:
            return self.full_mask()
        if not names:
            raise ValueError("space.operations: name at least one operation")
        row = tuple(sorted({self.operation_index("space.operations", name) for name in names}))
        mask = Mask(((row,) * len(self.edges),) * len(self.cell_types))
        try:
            self.check_mask(mask)
        except ValueError as error:
            raise ValueError(f"space.operations: {str(error).removeprefix('mask: ')}") from None
        return mask

    def check_mask(self, mask: Mask) -> None:
        """ValueError if no useful genotype is left under `mask`."""
        raise NotImplementedError

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:  # noqa: ARG002
        """Cell type -> the cell's title and graph, for pictures and text; empty if it has no such cells."""
        return {}

    def recognises(self, text: str) -> bool:  # noqa: ARG002
        """Whether a text that is no JSON looks like a genotype of this space, if perhaps a wrong one."""
        return False

    def operation_index(self, where: str, operation: Any) -> int:
        """The index of an operation's name; a ValueError says `where` an unknown one stands."""
        if operation not in self.operations:
            raise ValueError(
                f"{where}: unknown operation {shown(operation)} in space {self.name!r} "
                f"(it has {', '.join(self.operations)})"
            )
        return self.operations.index(operation)


class StringSpace(Space):
    """A space of a published benchmark, whose genotypes' bodies are the benchmark's own strings.

    form: what such a string looks like. beginning: a regular expression that no string of others begins with.
    """

    form: ClassVar[str]
    beginning: ClassVar[str]

    def recognises(self, text: str) -> bool:
        return re.match(self.beginning, text, re.ASCII) is not None

    def read(self, text: str) -> tuple[int, ...]:
        """The operations that a string names, by index; ValueError if it is not exactly of the form."""
        raise NotImplementedError

    def body_to_json(self, body: str) -> dict[str, Any]:
        return {"arch": body}

    def body_from_json(self, content: dict[str, Any]) -> str:
        """The string of a genotype file; a ValueError says what is wrong with the field `arch`."""
        body = content.get("arch")
        if not isinstance(body, str):
            raise ValueError(f"arch: expected {self.form}, found {shown(body)}")
        self.read(body)
        return body
