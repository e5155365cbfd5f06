"""Pointwise convolution that is a matrix product where maps are small; the numbers are those of nn.Conv2d.

On the CPU a convolution's call costs more than a small map's arithmetic; a matrix product's costs less.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL = 2**17  # elements of a map [N, C, H, W], measured: beyond it PyTorch's convolution is as fast


class PointwiseConv2d(nn.Conv2d):
    """A bias-free 1x1 convolution [N, C, H, W] -> [N, channels, H, W]."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(channels_in, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        channels_last = x.stride(1) == 1
        # Only in training: a prediction must not depend on how many images are in its batch.
        small = self.training and x.numel() <= SMALL and x.device.type == "cpu"
        if not (small and channels_last) or torch.compiler.is_compiling():
            return super().forward(x)
        return F.linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0]).permute(0, 3, 1, 2)
