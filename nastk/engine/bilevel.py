"""Gradients of a validation loss by parameters that act through the trained weights.

Two levels: `outer` parameters are chosen so that weights trained with them do well on validation
data. Source: DARTS (arXiv 1806.09055, equations 6-8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nastk.engine.optimizers import SGD

PERTURBATION = 0.01  # of the weights in the finite difference, as a Euclidean norm


def unrolled_gradient(
    train_loss: Callable[[], Tensor],
    validation_loss: Callable[[], Tensor],
    outer: Sequence[Tensor],
    *,
    optimizer: SGD,
) -> list[Tensor]:
    """The gradient by `outer` of the validation loss after one virtual step of `optimizer` on its weights.

    The virtual step has the optimiser's learning rate, momentum and weight decay. The
    second-order term is a Hessian-vector product by central differences around the weights as they
    are, with a perturbation of norm PERTURBATION. Weights and optimiser are left as they were.
    """
    weights, lr = optimizer.parameters, optimizer.lr
    start = [weight.detach().clone() for weight in weights]
    slopes = gradients(train_loss(), weights)
    with torch.no_grad():
        for weight, slope, remembered in zip(weights, slopes, optimizer.memory, strict=True):
            step = slope + optimizer.weight_decay * weight
            if remembered:
                step = step + optimizer.momentum * remembered["momentum"]
            weight.sub_(lr * step)
    found = gradients(validation_loss(), [*outer, *weights])
    direct, direction = found[: len(outer)], found[len(outer) :]
    norm = torch.sqrt(torch.stack([part.square().sum() for part in direction]).sum())
    scale = float(PERTURBATION / norm) if float(norm) > 0 else 0.0

    sides = []
    for sign in (1.0, -1.0):
        _set(weights, [w + sign * scale * d for w, d in zip(start, direction, strict=True)])
        sides.append(gradients(train_loss(), outer))
    _set(weights, start)
    if scale == 0.0:
        return direct
    return [d - lr * (up - down) / (2 * scale) for d, up, down in zip(direct, *sides, strict=True)]


def gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of `loss`, zeros for what it does not depend on."""
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def _set(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for weight, value in zip(weights, values, strict=True):
            weight.copy_(value)
