"""Schedules as pure functions of the epoch: numbers in, numbers out."""

from __future__ import annotations

import math


def cosine(start: float, end: float, epoch: int, num_epochs: int) -> float:
    """`end + (start - end) (1 + cos(pi epoch / num_epochs)) / 2`: `start` at epoch 0.

    The learning rate of all of one epoch. The last epoch, num_epochs - 1, is not quite at `end`.
    Source: SGDR (arXiv 1608.03983), equation 5, without restarts.
    """
    return end + (start - end) * (1 + math.cos(math.pi * epoch / num_epochs)) / 2


def linear(end: float, epoch: int, num_epochs: int) -> float:
    """`end epoch / num_epochs`: from 0 up."""
    return end * epoch / num_epochs
