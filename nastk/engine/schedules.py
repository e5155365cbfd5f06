"""Schedules as pure functions of the epoch: numbers in, numbers out."""

from __future__ import annotations

import math


def cosine(start: float, end: float, epoch: int, num_epochs: int) -> float:
    """`end + (start - end) (1 + cos(pi epoch / num_epochs)) / 2`: `start` at epoch 0.

    The learning rate of all of one epoch. The last epoch, num_epochs - 1, is not quite at `end`.
    Source: SGDR (arXiv 1608.03983), equation 5, without restarts.
    """
    return end + (start - end) * (1 + math.cos(math.pi * epoch / num_epochs)) / 2


def warmed_up(start: float, end: float, epoch: int, num_epochs: int, warmup_epochs: int) -> float:
    """In the first `warmup_epochs` epochs `start` times 1/(w + 1), 2/(w + 1) ...; then `cosine` over the others."""
    if epoch < warmup_epochs:
        return start * (epoch + 1) / (warmup_epochs + 1)
    return cosine(start, end, epoch - warmup_epochs, num_epochs - warmup_epochs)


def linear(end: float, epoch: int, num_epochs: int) -> float:
    """`end epoch / num_epochs`: from 0 up."""
    return end * epoch / num_epochs
