"""Gradient matching: how differently the operations of an edge would train the weights they share.

On one batch, with one path (or mixture) drawn for all other edges, each operation of the scored edge
is put there alone; the loss's gradients on the weights of all other edges are compared by the cosine
of their concatenation. Source: Generalizing Few-Shot NAS with Gradient Matching (arXiv 2203.15207,
ICLR 2022) and its public code; unlike there, scoring leaves everything as it was.
Legend: O operations, R rounds, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nastk.networks.gates import Gates

EPSILON = 1e-6  # beside the norms, as in the public code: an operation without gradient is 1 from all others


def distances(gradients: Tensor) -> Tensor:
    """1 - cosine between the rows of gradients [O, P]: [O, O]; its diagonal says nothing."""
    norms = gradients.norm(dim=1)
    return 1.0 - gradients @ gradients.T / (norms[:, None] * norms[None, :] + EPSILON)


def flat_gradient(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """The gradient of `loss` on all parameters as one vector [P] in float64; zero where there is none.

    `.grad` is not touched.
    """
    if not loss.requires_grad:  # nothing that learns lies on the path
        return torch.zeros(sum(parameter.numel() for parameter in parameters), dtype=torch.float64)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    parts = [
        torch.zeros(parameter.numel(), device=parameter.device) if gradient is None else gradient.flatten()
        for parameter, gradient in zip(parameters, found, strict=True)
    ]
    return torch.cat(parts).double().cpu()


def mean_distances(
    loss_of: Callable[[int, Tensor, Tensor, Gates], Tensor],
    rounds: Iterable[tuple[Tensor, Tensor, Gates]],
    operations: Sequence[int],
    parameters: Sequence[Tensor],
) -> list[list[float]]:
    """The mean over rounds of the distances [O][O] between `operations` of an edge.

    loss_of(operation, images, labels, gates): the loss with that operation alone on the edge and
    `gates` elsewhere. rounds: images [N, C, H, W], labels [N], gates of all edges. A round in which no
    operation has a gradient says nothing and is left out; 1 everywhere if there is no other.
    """
    total, count = torch.zeros(len(operations), len(operations), dtype=torch.float64), 0
    for images, labels, gates in rounds:
        gradients = torch.stack(
            [flat_gradient(loss_of(op, images, labels, gates), parameters) for op in operations]
        )
        if bool(gradients.any()):
            total += distances(gradients)
            count += 1
    mean: list[list[float]] = (total / count if count else torch.ones_like(total)).tolist()
    return mean


def with_operation(gates: Gates, cell_type: int, edge: int, operation: int) -> Gates:
    """The gates with one operation alone on one edge: with its weight in the mixture there, else at full weight.

    (arXiv 2203.15207's code: one-hot in the single-path modes, the softmax's weight in the mixed ones.)
    """
    rows = [list(edges) for edges in gates.rows]
    rows[cell_type][edge] = ((operation, dict(gates.rows[cell_type][edge]).get(operation, 1.0)),)
    return Gates(tuple(map(tuple, rows)))
