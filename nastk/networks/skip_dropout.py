"""Dropout after skip connections, P-DARTS's regulariser (arXiv 1904.12760, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SkipDropout:
    """Element-wise dropout at `rate` with scaling by 1 / (1 - rate), drawn from the run's own generator.

    The supernet applies it after stride-1 identities only, in training.
    """

    rate: float
    generator: torch.Generator

    def __call__(self, x: Tensor) -> Tensor:
        keep = 1.0 - self.rate
        draws = torch.empty_like(x).bernoulli_(keep, generator=self.generator)
        return x * draws.div_(keep)
