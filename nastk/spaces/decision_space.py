"""What most spaces have in common: masks by options' names, and published benchmarks' own strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nastk.genotype import Genotype
from nastk.shown import shown
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.decision import Decision
from nastk.spaces.mask import Mask
from nastk.spaces.space import NetworkSize


@dataclass(frozen=True)
class DecisionSpace:
    """A base for spaces (spaces/space.py says what is asked of them); `decisions` is the subclass's."""

    name: str

    published_size: ClassVar[NetworkSize | None] = None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        raise NotImplementedError

    def full_mask(self) -> Mask:
        return Mask.full(self.decisions)

    def mask_of(self, names: Sequence[str] | None) -> Mask:
        """The mask that allows of every decision the named options that it has; None allows all.

        ValueError for a name that no decision has, and where no architecture is left.
        """
        if names is None:
            return self.full_mask()
        if not names:
            raise ValueError("space.operations: name at least one operation")
        known = list(dict.fromkeys(option for decision in self.decisions for option in decision.options))
        for name in names:
            self.check_option("space.operations", name, known)
        rows = [
            tuple(index for index, option in enumerate(decision.options) if option in names)
            for decision in self.decisions
        ]
        for decision, row in zip(self.decisions, rows, strict=True):
            if not row:
                raise ValueError(
                    f"space.operations: no operation is left for {decision} (it has {', '.join(decision.options)})"
                )
        mask = Mask(tuple(rows))
        try:
            self.check_mask(mask)
        except ValueError as error:
            raise ValueError(f"space.operations: {str(error).removeprefix('mask: ')}") from None
        return mask

    def check_mask(self, mask: Mask) -> None:
        """ValueError if no useful genotype is left under `mask`."""

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:  # noqa: ARG002
        return {}

    def figures(self, genotype: Genotype) -> dict[str, int]:  # noqa: ARG002
        return {}

    def recognises(self, text: str) -> bool:  # noqa: ARG002
        return False

    def check_option(self, where: str, name: Any, known: Sequence[str]) -> None:
        """ValueError, which says `where` it stands, for a name that is not in `known`."""
        if name not in known:
            raise ValueError(
                f"{where}: unknown operation {shown(name)} in space {self.name!r} (it has {', '.join(known)})"
            )


class StringSpace(DecisionSpace):
    """A space of a published benchmark, whose genotypes' bodies are the benchmark's own strings.

    form: what such a string looks like. beginning: a regular expression that no string of others begins with.
    """

    form: ClassVar[str]
    beginning: ClassVar[str]

    def recognises(self, text: str) -> bool:
        return re.match(self.beginning, text, re.ASCII) is not None

    def read(self, text: str) -> tuple[int, ...]:
        """The options that a string names, by index; ValueError if it is not exactly of the form."""
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
