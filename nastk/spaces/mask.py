"""Mask: a sub-space, as the options still allowed for every decision.

P-DARTS's stages and few-shot splits are the same thing: masks. Legend: D decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nastk.spaces.decision import Decision


@dataclass(frozen=True)
class Mask:
    """`allowed[d]`: the indices of the options that decision d may take, ascending.

    Raises ValueError for a decision without any option or an index that does not ascend.
    """

    allowed: tuple[tuple[int, ...], ...]  # [D] -> option indices

    def __post_init__(self) -> None:
        for decision, options in enumerate(self.allowed):
            if not options:
                raise ValueError(f"mask: no option is left for decision {decision}")
            if list(options) != sorted(set(options)) or options[0] < 0:
                raise ValueError(f"mask: options {options} of decision {decision} must ascend from 0 up")

    @classmethod
    def full(cls, decisions: Sequence[Decision]) -> Mask:
        return cls(tuple(tuple(range(len(decision.options))) for decision in decisions))

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[int]]) -> Mask:
        return cls(tuple(tuple(map(int, row)) for row in rows))

    def to_json(self) -> list[list[int]]:
        return [list(row) for row in self.allowed]

    def restrict(self, decision: int, options: Iterable[int]) -> Mask:
        """The mask with only `options` left for one decision; they must be allowed there now."""
        wanted = tuple(sorted(set(options)))
        extra = set(wanted) - set(self.allowed[decision])
        if extra:
            raise ValueError(
                f"mask: option {min(extra)} is not allowed for decision {decision}: it cannot come back"
            )
        rows = list(self.allowed)
        rows[decision] = wanted
        return Mask(tuple(rows))
