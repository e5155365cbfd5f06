"""Dropout after skip connections, P-DARTS's regulariser (arXiv 1904.12760, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
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
        return x * self.factors(x.shape, like=x)

    def factors(self, shape: Sequence[int], *, like: Tensor) -> Tensor:
        """What maps of this shape are multiplied by, in the type and the layout of `like`, other maps."""
        keep = 1.0 - self.rate
        last = like.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        draws = torch.empty(*shape, dtype=like.dtype, device=like.device, memory_format=layout)
        return draws.bernoulli_(keep, generator=self.generator).div_(keep)


class DrawnDropout:
    """Dropout by factors that were drawn before, one after the other."""

    def __init__(self, factors: Sequence[Tensor]) -> None:
        self._rest = iter(factors)

    def __call__(self, x: Tensor) -> Tensor:
        return x * next(self._rest)
