"""Decision: one choice that an architecture makes, with options of its own.

A space is its decisions: masks, gates, strengths and encodings all stand in their order. The edges of
a cell are decisions that all have the same options; in a chain every layer may have others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# An architecture as what a supernet runs: (decision, option) pairs; a pair stands twice if chosen twice.
Path = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Decision:
    """group: what its space groups decisions by (the type of a cell); name: what it is within the group.

    options: by name, in the order that indices, masks and encodings use.
    """

    group: str
    name: str
    options: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.group} {self.name}"


def most_options(decisions: Sequence[Decision]) -> int:
    """The options of the decision that has most: the width O of tensors [D, O] over all decisions."""
    return max(len(decision.options) for decision in decisions)
