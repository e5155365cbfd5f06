"""Spaces of cells, in which every edge of every type of cell chooses among the same operations.

Legend: T cell types, E edges of a cell, D = T E decisions, cell type by cell type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from nastk.spaces.decision import Decision
from nastk.spaces.decision_space import DecisionSpace

Item = TypeVar("Item")


@dataclass(frozen=True)
class EdgeSpace(DecisionSpace):
    """operations: in the order that indices, masks and encodings use.

    cell_types: the kinds of cells, each with decisions of its own.
    """

    operations: tuple[str, ...]

    cell_types: ClassVar[tuple[str, ...]]

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(node, input) of every edge of a cell, node by node."""
        raise NotImplementedError

    @cached_property
    def edge_index(self) -> dict[tuple[int, int], int]:
        return {pair: edge for edge, pair in enumerate(self.edges)}

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(
            Decision(cell_type, f"{source} -> {node}", self.operations)
            for cell_type in self.cell_types
            for node, source in self.edges
        )

    def decision(self, cell_type: int, node: int, source: int) -> int:
        """The decision of the edge from `source` to `node` in cells of a type, by index."""
        return cell_type * len(self.edges) + self.edge_index[node, source]

    def of_type(self, cell_type: int, values: Sequence[Item]) -> Sequence[Item]:
        """Of `values` [D] those of the edges of one type of cell, [E]."""
        num_edges = len(self.edges)
        return values[cell_type * num_edges : (cell_type + 1) * num_edges]

    def operation_index(self, where: str, operation: Any) -> int:
        """The index of an operation's name; a ValueError says `where` an unknown one stands."""
        self.check_option(where, operation, self.operations)
        return self.operations.index(operation)
