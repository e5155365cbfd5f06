"""Gates: one weight per edge and operation, which a supernet's forward takes.

Here are the usual ones: one-hot of a genotype or of a random path, a random mixture, a masked softmax.
What else a method weights operations by, it hands over as numbers (`soft`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nastk.spaces.mask import Mask

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


def uniform_path(mask: Mask, generator: torch.Generator) -> Gates:
    """One operation on every edge, each of those allowed equally likely; `generator` is on the CPU."""
    sizes = [[len(row) for row in edges] for edges in mask.allowed]
    draws = torch.rand(len(sizes), len(sizes[0]), dtype=torch.float64, generator=generator).tolist()
    return Gates(
        tuple(
            tuple(((row[int(u * len(row))], 1.0),) for row, u in zip(edges, us, strict=True))
            for edges, us in zip(mask.allowed, draws, strict=True)
        )
    )


def uniform_mixture(mask: Mask) -> Gates:
    """All that `mask` allows, with equal weights that add up to 1 on every edge."""
    return Gates(
        tuple(
            tuple(tuple((operation, 1 / len(row)) for operation in row) for row in edges)
            for edges in mask.allowed
        )
    )


def soft(weights: Tensor, mask: Mask) -> Gates:
    """The mixture of what `mask` allows, weighted by `weights` [T, E, O]."""
    scalars = weights.flatten().unbind()
    _, num_edges, num_operations = weights.shape
    return Gates(
        tuple(
            tuple(
                tuple((op, scalars[(t * num_edges + e) * num_operations + op]) for op in row)
                for e, row in enumerate(edges)
            )
            for t, edges in enumerate(mask.allowed)
        )
    )


def masked_softmax(alphas: Tensor, allowed: Tensor) -> Tensor:
    """Softmax of alphas [T, E, O] over the operations where `allowed` [T, E, O] is true; 0 elsewhere."""
    return alphas.masked_fill(~allowed, -torch.inf).softmax(dim=-1)


def allowed(mask: Mask, num_operations: int) -> Tensor:
    """The mask as booleans [T, E, O]."""

    def row(operations: Sequence[int]) -> list[bool]:
        return [op in operations for op in range(num_operations)]

    return torch.tensor([[row(operations) for operations in edges] for edges in mask.allowed])
