"""Mask: a sub-space, as the operations still allowed on every edge.

P-DARTS's stages and few-shot splits are the same thing: masks. Legend: T cell types, E edges,
O operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mask:
    """`allowed[t][e]`: the indices of the operations allowed on edge e of cell type t, ascending.

    Raises ValueError for an edge without any operation or an index that does not ascend.
    """

    allowed: tuple[tuple[tuple[int, ...], ...], ...]  # [T][E] -> operation indices

    def __post_init__(self) -> None:
        for cell_type, edges in enumerate(self.allowed):
            for edge, operations in enumerate(edges):
                if not operations:
                    raise ValueError(f"mask: no operation is left on edge {edge} of cell type {cell_type}")
                if list(operations) != sorted(set(operations)) or operations[0] < 0:
                    raise ValueError(f"mask: operations {operations} of edge {edge} must ascend from 0 up")

    @classmethod
    def full(cls, *, num_cell_types: int, num_edges: int, num_operations: int) -> Mask:
        row = tuple(range(num_operations))
        return cls(((row,) * num_edges,) * num_cell_types)

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Sequence[int]]]) -> Mask:
        return cls(tuple(tuple(tuple(map(int, row)) for row in edges) for edges in rows))

    def to_json(self) -> list[list[list[int]]]:
        return [[list(row) for row in edges] for edges in self.allowed]

    def restrict(self, cell_type: int, edge: int, operations: Iterable[int]) -> Mask:
        """The mask with only `operations` left on one edge; they must be allowed there now."""
        wanted = tuple(sorted(set(operations)))
        extra = set(wanted) - set(self.allowed[cell_type][edge])
        if extra:
            raise ValueError(
                f"mask: operation {min(extra)} is not allowed on edge {edge}: it cannot come back"
            )
        edges = list(self.allowed[cell_type])
        edges[edge] = wanted
        cells = list(self.allowed)
        cells[cell_type] = tuple(edges)
        return Mask(tuple(cells))
