"""What networks of cells and those of NAS-Bench-201 have in common."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nastk.exports.standalone.constants import NUM_CELLS, STEM

# Positions of cells where the map is halved and the channels are doubled.
REDUCTIONS = {NUM_CELLS // 3, 2 * NUM_CELLS // 3}


def check_size(height: int, width: int) -> None:
    """ValueError if images of this size cannot be halved as often as the network does."""
    divisor = 2 ** len(REDUCTIONS) * (8 if STEM == "imagenet" else 1)
    if height % divisor or width % divisor or min(height, width) < 2 * divisor:
        raise ValueError(
            f"images of {height}x{width} pixels do not fit: "
            f"both sides must be multiples of {divisor} from {2 * divisor} up"
        )


class Conv(nn.Module):
    """ReLU, convolution, batch norm."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(F.relu(x)))


class Classifier(nn.Module):
    """Global average pooling and a linear layer."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(torch.mean(x, dim=(2, 3)))
