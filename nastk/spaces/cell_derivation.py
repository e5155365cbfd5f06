"""From strengths [D][O] to cells of the DARTS family: pure functions, all tie rules.

Sources: DARTS (arXiv 1806.09055, section 2.4), P-DARTS (arXiv 1904.12760, section 3) and their public
codes for what happens on ties. Strengths of different edges are compared as derivation.fair_strengths says.
"""

from __future__ import annotations

from collections.abc import Sequence

from nastk.genotype import Genotype
from nastk.spaces.cell_topology import PAIRS_PER_NODE, CellTopology, Pair
from nastk.spaces.derivation import SKIP, Strengths, fair_strengths
from nastk.spaces.mask import Mask

NORMAL = 0  # the cell type whose skips P-DARTS limits


def derive_darts(space: CellTopology, mask: Mask, strengths: Strengths) -> Genotype:
    """DARTS's rule: a node keeps the two inputs with the strongest operation other than `none`.

    On ties the lower input and the lower operation win; a node's pairs stand strongest first.
    """
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    cells = []
    for cell_type in range(len(space.cell_types)):
        pairs: list[Pair] = []
        for node in space.concat:
            best = _best_operations(space, choices, fair, cell_type, node)
            ranked = sorted(best, key=lambda source: -best[source][0])  # stable: ties keep the lower input
            pairs += [(space.operations[best[source][1]], source) for source in ranked[:PAIRS_PER_NODE]]
        cells.append(tuple(pairs))
    return space.genotype(cells)


def derive_pdarts(space: CellTopology, mask: Mask, strengths: Strengths) -> Genotype:
    """P-DARTS's rule: as DARTS's, but on ties the higher input wins; pairs stand by ascending input."""
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    return space.genotype([_pdarts_cell(space, choices, fair, t) for t in range(len(space.cell_types))])


def limit_skips(space: CellTopology, mask: Mask, strengths: Strengths) -> dict[int, Genotype]:
    """P-DARTS's refinement: level M -> the genotype whose normal cell has at most M skips.

    The derived cell stands at its own number of skips; every level below it, down to 0, starts from
    the one above: the weakest skip of the cell loses its strength (ties: the lowest edge) and the
    cell is derived again, until it has no more than M. A removed skip never returns, except on an
    edge that has no other operation; then a level may keep more than M.
    """
    choices, fair = space.choices_under(mask), fair_strengths(mask, strengths)
    skip = space.operations.index(SKIP)
    cells = [_pdarts_cell(space, choices, fair, t) for t in range(len(space.cell_types))]
    cell = cells[NORMAL]
    levels = {}
    for level in range(num_skips(cell), -1, -1):
        while num_skips(cell) > level:
            skips = [
                space.decision(NORMAL, space.concat[position // PAIRS_PER_NODE], source)
                for position, (operation, source) in enumerate(cell)
                if operation == SKIP
            ]
            removable = [decision for decision in skips if fair[decision][skip] > 0.0]
            if not removable:
                break
            fair[min(removable, key=lambda decision: (fair[decision][skip], decision))][skip] = 0.0
            cell = _pdarts_cell(space, choices, fair, NORMAL)
        levels[level] = space.genotype([cell, *cells[NORMAL + 1 :]])
    return levels


def _pdarts_cell(
    space: CellTopology, choices: Sequence[Sequence[int]], strengths: Strengths, cell_type: int
) -> tuple[Pair, ...]:
    pairs: list[Pair] = []
    for node in space.concat:
        best = _best_operations(space, choices, strengths, cell_type, node)
        ranked = sorted(best, key=lambda source: best[source][0])  # stable: of a tie the higher input is last
        kept = sorted(ranked[-PAIRS_PER_NODE:])
        pairs += [(space.operations[best[source][1]], source) for source in kept]
    return tuple(pairs)


def _best_operations(
    space: CellTopology, choices: Sequence[Sequence[int]], strengths: Strengths, cell_type: int, node: int
) -> dict[int, tuple[float, int]]:
    """Input -> (strength, operation) of its strongest choosable operation; ties: the lower operation."""
    best = {}
    for source in range(node):
        decision = space.decision(cell_type, node, source)
        values = strengths[decision]
        if choices[decision]:
            operation = max(choices[decision], key=lambda op: (values[op], -op))
            best[source] = (values[operation], operation)
    return best


def num_skips(cell: Sequence[Pair]) -> int:
    return sum(operation == SKIP for operation, _ in cell)
