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
        steps = torch._foreach_add(slopes, weights, alpha=optimizer.weight_decay)
        moving = [(step, one["momentum"]) for step, one in zip(steps, optimizer.memory, strict=True) if one]
        if moving:
            torch._foreach_add_(*map(list, zip(*moving, strict=True)), alpha=optimizer.momentum)
        torch._foreach_add_(weights, steps, alpha=-lr)
    found = gradients(validation_loss(), [*outer, *weights])
    direct, direction = found[: len(outer)], found[len(outer) :]
    # On the device, whatever the norm is: a look at it would wait for all that was asked for.
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(direction)))
    scale = torch.where(norm > 0, PERTURBATION / norm, 0.0)
    shift = torch._foreach_mul(direction, scale)

    sides = []
    for sign in (1.0, -1.0):
        _set(weights, torch._foreach_add(start, shift, alpha=sign))
        sides.append(gradients(train_loss(), outer))
    _set(weights, start)
    factor = torch.where(scale > 0, lr / (2 * scale), 0.0)
    return [d - factor * (up - down) for d, up, down in zip(direct, *sides, strict=True)]


def gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of `loss`, zeros for what it does not depend on."""
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def _set(weights: list[Tensor], values: tuple[Tensor, ...] | list[Tensor]) -> None:
    with torch.no_grad():
        torch._foreach_copy_(weights, values)
