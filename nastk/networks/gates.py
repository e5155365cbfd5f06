"""Gates: one weight per edge and operation, which a supernet's forward takes.

Where the numbers come from is the business of whoever makes them: one-hot of a genotype here;
softmax or samples over architecture parameters in the methods that have such parameters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from torch import Tensor

Weight = float | Tensor  # a tensor has no dimensions and may need a gradient


@dataclass(frozen=True)
class Gates:
    """`rows[t][e]`: the (operation index, weight) pairs that run on edge e of cell type t.

    Operations that are not listed are not computed at all.
    """

    rows: tuple[tuple[tuple[tuple[int, Weight], ...], ...], ...]  # [T][E] -> (operation, weight) ...


def one_hot(paths: tuple[tuple[tuple[int, int], ...], ...], num_edges: int) -> Gates:
    """The gates of single (edge, operation) choices [T]; a choice made twice has weight 2.

    A node that takes the same operation from the same input twice adds up one shared operation
    twice, which is the operation times 2: it is computed once.
    """
    rows = []
    for choices in paths:
        edges: list[list[tuple[int, Weight]]] = [[] for _ in range(num_edges)]
        for (edge, operation), count in sorted(Counter(choices).items()):
            edges[edge].append((operation, float(count)))
        rows.append(tuple(map(tuple, edges)))
    return Gates(tuple(rows))
