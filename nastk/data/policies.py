"""TrivialAugment (arXiv 2103.10158) and RandAugment (arXiv 1909.13719) as torchvision has them, each image from a
seed of its own.

Legend: B batch, C channels, H W the image's sides.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from nastk.engine.random import DrawingFrom


def augmented(policy: str, pixels: Tensor, seeds: Tensor) -> Tensor:
    """uint8 [B, H, W, C], each image changed by an operation or two that are drawn by its seed.

    policy: trivial or rand. pixels: uint8 [B, H, W, C] of one or three channels, on any device. seeds: int64
    [B] on the CPU.
    """
    transform = _transform(policy)
    changed = []
    for image, seed in zip(pixels.permute(0, 3, 1, 2), seeds.tolist(), strict=True):
        with DrawingFrom(torch.Generator().manual_seed(seed)):
            changed.append(transform(image))
    return torch.stack(changed).permute(0, 2, 3, 1)


@functools.cache
def _transform(policy: str) -> Any:
    from torchvision.transforms import v2  # takes seconds, and most trainings need none of it

    return {"trivial": v2.TrivialAugmentWide, "rand": v2.RandAugment}[policy]()
