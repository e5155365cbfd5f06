"""What the images of a class weigh in the training loss."""

from __future__ import annotations

import torch
from torch import Tensor


def balanced_weights(labels: Tensor, num_classes: int) -> Tensor:
    """float32 [K]: n / (K n_k) for a class with n_k of the n images, so that all classes weigh alike.

    labels: int64 [n]. K counts the classes that have images; one without any weighs nothing.
    """
    counts = labels.bincount(minlength=num_classes).double()
    weights = counts.sum() / (counts.count_nonzero() * counts)
    return torch.where(counts > 0, weights, torch.zeros_like(weights)).float()
