"""From edge strengths to a sub-space or a genotype: pure functions, numbers in, decisions out.

Strengths are [T][E][O]: for each cell type, edge and operation a softmax weight; entries that the
mask forbids are not looked at. Sources: DARTS (arXiv 1806.09055, section 2.4), P-DARTS (arXiv
1904.12760, section 3) and their public codes for what happens on ties.

Where edges are compared, a softmax over fewer operations is no merit: strengths of an edge with n
operations are taken times n / N, N being those of the edge with the most. So equal architecture
parameters prefer no edge, whatever the mask; where all edges have alike many, nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nastk.genotype import Genotype
from nastk.spaces.mask import Mask

if TYPE_CHECKING:
    from nastk.spaces.cell import CellSpace, Pair

Strengths = Sequence[Sequence[Sequence[float]]]  # [T][E][O]
SKIP = "skip_connect"
NORMAL = 0  # the cell type whose skips P-DARTS limits


def shrink(mask: Mask, strengths: Strengths, num_operations: int) -> Mask:
    """Keep on every edge the `num_operations` strongest allowed operations (all, if there are fewer).

    On ties the lowest index is dropped first, as in P-DARTS's code.
    """
    return Mask(
        tuple(
            tuple(
                tuple(sorted(sorted(row, key=lambda op: (strengths[t][e][op], op))[-num_operations:]))
                for e, row in enumerate(edges)
            )
            for t, edges in enumerate(mask.allowed)
        )
    )


def derive_darts(space: CellSpace, mask: Mask, strengths: Strengths) -> Genotype:
    """DARTS's rule: a node keeps the two inputs with the strongest operation other than `none`.

    On ties the lower input and the lower operation win; a node's pairs stand strongest first.
    """
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    cells = []
    for t in range(len(space.cell_types)):
        pairs: list[Pair] = []
        for node in space.concat:
            best = _best_operations(space, choices[t], fair[t], node)
            ranked = sorted(best, key=lambda source: -best[source][0])  # stable: ties keep the lower input
            pairs += [(space.operations[best[source][1]], source) for source in ranked[:2]]
        cells.append(tuple(pairs))
    return space.genotype(cells)


def derive_pdarts(space: CellSpace, mask: Mask, strengths: Strengths) -> Genotype:
    """P-DARTS's rule: as DARTS's, but on ties the higher input wins; pairs stand by ascending input."""
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    return space.genotype([_pdarts_cell(space, choices[t], fair[t]) for t in range(len(space.cell_types))])


def limit_skips(space: CellSpace, mask: Mask, strengths: Strengths) -> dict[int, Genotype]:
    """P-DARTS's refinement: level M -> the genotype whose normal cell has at most M skips.

    The derived cell stands at its own number of skips; every level below it, down to 0, starts from
    the one above: the weakest skip of the cell loses its strength (ties: the lowest edge) and the
    cell is derived again, until it has no more than M. A removed skip never returns, except on an
    edge that has no other operation; then a level may keep more than M.
    """
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    skip = space.operations.index(SKIP)
    rows = [list(row) for row in fair[NORMAL]]
    cells = [_pdarts_cell(space, choices[t], fair[t]) for t in range(len(space.cell_types))]
    cell = cells[NORMAL]
    levels = {}
    for level in range(num_skips(cell), -1, -1):
        while num_skips(cell) > level:
            edges = [
                space.edge_index[space.concat[position // 2], source]
                for position, (operation, source) in enumerate(cell)
                if operation == SKIP
            ]
            removable = [edge for edge in edges if rows[edge][skip] > 0.0]
            if not removable:
                break
            rows[min(removable, key=lambda edge: (rows[edge][skip], edge))][skip] = 0.0
            cell = _pdarts_cell(space, choices[NORMAL], rows)
        levels[level] = space.genotype([cell, *cells[NORMAL + 1 :]])
    return levels


def _pdarts_cell(
    space: CellSpace, choices: Sequence[Sequence[int]], strengths: Sequence[Sequence[float]]
) -> tuple[Pair, ...]:
    pairs: list[Pair] = []
    for node in space.concat:
        best = _best_operations(space, choices, strengths, node)
        ranked = sorted(best, key=lambda source: best[source][0])  # stable: of a tie the higher input is last
        pairs += [(space.operations[best[source][1]], source) for source in sorted(ranked[-2:])]
    return tuple(pairs)


def _best_operations(
    space: CellSpace, choices: Sequence[Sequence[int]], strengths: Sequence[Sequence[float]], node: int
) -> dict[int, tuple[float, int]]:
    """Input -> (strength, operation) of its strongest choosable operation; ties: the lower operation."""
    best = {}
    for source in range(node):
        edge = space.edge_index[node, source]
        if choices[edge]:
            operation = max(choices[edge], key=lambda op: (strengths[edge][op], -op))
            best[source] = (strengths[edge][operation], operation)
    return best


def fair_strengths(mask: Mask, strengths: Strengths) -> list[list[list[float]]]:
    """Strengths [T][E][O] that can be compared between edges of unlike many operations."""
    most = max(len(row) for edges in mask.allowed for row in edges)
    return [
        [
            [value * (len(row) / most) for value in values]
            for row, values in zip(edges, strengths[t], strict=True)
        ]
        for t, edges in enumerate(mask.allowed)
    ]


def num_skips(cell: Sequence[Pair]) -> int:
    return sum(operation == SKIP for operation, _ in cell)
