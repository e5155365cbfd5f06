"""Gradient matching: how differently the options of a decision would train the weights they share.

On one batch, with one path (or mixture) drawn for all other decisions, each option of the scored one
is put there alone; the loss's gradients on the weights of all other decisions are compared by the cosine
of their concatenation. Source: Generalizing Few-Shot NAS with Gradient Matching (arXiv 2203.15207,
ICLR 2022) and its public code; unlike there, scoring leaves everything as it was.
Legend: O options, R rounds, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nastk.networks.gates import Gates

EPSILON = 1e-6  # beside the norms, as in the public code: an option without gradient is 1 from all others


def distances(gradients: Tensor) -> Tensor:
    """1 - cosine between the rows of gradients [O, P]: [O, O]; its diagonal says nothing."""
    norms = gradients.norm(dim=1)
    return 1.0 - gradients @ gradients.T / (norms[:, None] * norms[None, :] + EPSILON)


def flat_gradient(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """The gradient of `loss` on all parameters as one vector [P] in float64, on its device; zero where there is none.

    `.grad` is not touched.
    """
    if not loss.requires_grad:  # nothing that learns lies on the path
        size = sum(parameter.numel() for parameter in parameters)
        return torch.zeros(size, dtype=torch.float64, device=loss.device)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    parts = [
        torch.zeros(parameter.numel(), device=parameter.device) if gradient is None else gradient.flatten()
        for parameter, gradient in zip(parameters, found, strict=True)
    ]
    return torch.cat(parts).double()


def mean_distances(
    loss_of: Callable[[int, Tensor, Tensor, Gates], Tensor],
    rounds: Iterable[tuple[Tensor, Tensor, Gates]],
    options: Sequence[int],
    parameters: Sequence[Tensor],
) -> list[list[float]]:
    """The mean over rounds of the distances [O][O] between `options` of a decision.

    loss_of(option, images, labels, gates): the loss with that option alone there and `gates` elsewhere.
    rounds: images [N, C, H, W], labels [N], gates of all decisions. A round in which no option has a
    gradient says nothing and is left out; 1 everywhere if there is no other.
    """
    # On the device to the end: a look at a round would wait for it.
    totals, counts = [], []
    for images, labels, gates in rounds:
        gradients = torch.stack(
            [flat_gradient(loss_of(option, images, labels, gates), parameters) for option in options]
        )
        counts.append(gradients.any())
        totals.append(distances(gradients) * counts[-1])
    total, count = torch.stack(totals).sum(dim=0), torch.stack(counts).sum()
    mean: list[list[float]] = torch.where(count > 0, total / count, 1.0).tolist()
    return mean


def with_option(gates: Gates, decision: int, option: int) -> Gates:
    """The gates with one option alone of one decision: with its weight in the mixture there, else at full weight.

    (arXiv 2203.15207's code: one-hot in the single-path modes, the softmax's weight in the mixed ones.)
    """
    rows = list(gates.rows)
    rows[decision] = ((option, dict(gates.rows[decision]).get(option, 1.0)),)
    return Gates(tuple(rows))
