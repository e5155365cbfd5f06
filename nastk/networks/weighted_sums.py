"""Maps that go, each with a weight of its own, into several sums: all sums as one matrix product.

In place of a product and an addition for every pair of a map and a sum, and of as many on the way back.
Legend: S sums, K maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def is_of_use() -> bool:
    """Whether a matrix product is faster, and as precise as its tensors: under TF32 and autocast it is not.

    A compiler makes one pass of the products and additions themselves.
    """
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return False
    return not torch.compiler.is_compiling() and torch.get_float32_matmul_precision() == "highest"


def weighted_sums(weights: Tensor, maps: Sequence[Tensor]) -> list[Tensor]:
    """[S, K] weights and K maps [N, C, H, W] -> S sums [N, C, H, W], in the memory layout of the first map."""
    num, channels, height, width = maps[0].shape
    if maps[0].is_contiguous(memory_format=torch.channels_last):
        flat = torch.stack([one.permute(0, 2, 3, 1).reshape(-1) for one in maps])
        sums = (weights @ flat).view(-1, num, height, width, channels).permute(0, 1, 4, 2, 3)
    else:
        flat = torch.stack([one.reshape(-1) for one in maps])
        sums = (weights @ flat).view(-1, num, channels, height, width)
    return list(sums.unbind())
