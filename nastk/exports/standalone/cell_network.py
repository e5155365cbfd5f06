"""A network of normal and reduction cells."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nastk.exports.standalone.constants import (
    CHANNELS,
    CLASSES,
    INIT_CHANNELS,
    NORMAL,
    NUM_CELLS,
    REDUCE,
    STEM,
)
from nastk.exports.standalone.layers import REDUCTIONS, Classifier, Conv, check_size


class FactorizedReduce(nn.Module):
    """ReLU, two 1x1 convolutions of every other pixel, the second one shifted by a pixel, batch norm."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(channels_in, channels // 2, 1, bias=False)
        self.odd = nn.Conv2d(channels_in, channels - channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        even, odd = F.relu(x[:, :, ::2, ::2]), F.relu(x[:, :, 1::2, 1::2])
        return self.norm(torch.cat([self.even(even), self.odd(odd)], dim=1))


class Depthwise(nn.Module):
    """ReLU, depthwise and pointwise convolution, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.depthwise = nn.Conv2d(
            channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
        )
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.pointwise(self.depthwise(F.relu(x))))


class SeparableConv(nn.Module):
    """sep_conv: two depthwise stages, the stride in the first; dil_conv: one, with dilation 2."""

    def __init__(
        self, channels: int, kernel: int, stride: int, *, dilation: int = 1, repeats: int = 1
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            *(Depthwise(channels, kernel, stride if stage == 0 else 1, dilation) for stage in range(repeats))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)


def skip_connect(channels: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)


# Name -> what builds the operation from its channels and its stride.
OPERATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "skip_connect": skip_connect,
    "max_pool_3x3": lambda _, stride: nn.MaxPool2d(3, stride, padding=1),
    "avg_pool_3x3": lambda _, stride: nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
    "sep_conv_3x3": lambda channels, stride: SeparableConv(channels, 3, stride, repeats=2),
    "sep_conv_5x5": lambda channels, stride: SeparableConv(channels, 5, stride, repeats=2),
    "dil_conv_3x3": lambda channels, stride: SeparableConv(channels, 3, stride, dilation=2),
    "dil_conv_5x5": lambda channels, stride: SeparableConv(channels, 5, stride, dilation=2),
}


class Preprocess(nn.Module):
    """Bring the outputs of the last two cells to the channels of this one, and to one size."""

    def __init__(self, channels_in: tuple[int, int], channels: int, *, halve_first: bool) -> None:
        super().__init__()
        self.first = (FactorizedReduce if halve_first else Conv)(channels_in[0], channels)
        self.second = Conv(channels_in[1], channels)

    def forward(self, s0: Tensor, s1: Tensor) -> list[Tensor]:
        return [self.first(s0), self.second(s1)]


class Cell(nn.Module):
    """Nodes that add up two (operation, input) pairs each, all of them concatenated.

    Inputs 0 and 1 are the outputs of the last cell but one and of the last cell, 2 is the first node.
    """

    def __init__(
        self, channels_in: tuple[int, int], channels: int, *, reduction: bool, after_reduction: bool
    ) -> None:
        super().__init__()
        pairs = REDUCE if reduction else NORMAL
        self.sources = [source for _, source in pairs]
        self.preprocess = Preprocess(channels_in, channels, halve_first=after_reduction)
        self.operations = nn.ModuleList(
            OPERATIONS[name](channels, 2 if reduction and source < 2 else 1) for name, source in pairs
        )

    def forward(self, s0: Tensor, s1: Tensor) -> Tensor:
        states = self.preprocess(s0, s1)
        for first in range(0, len(self.sources), 2):
            one, other = (
                self.operations[position](states[self.sources[position]]) for position in (first, first + 1)
            )
            states.append(one + other)
        return torch.cat(states[2:], dim=1)


class CifarStem(nn.Module):
    """A convolution at full resolution, whose output both inputs of the first cell are."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, 3 * INIT_CHANNELS, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(3 * INIT_CHANNELS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(self.conv(x))
        return x, x


class ImageNetStem(nn.Module):
    """Three convolutions of stride 2: the first cell's inputs have a quarter and an eighth of the side."""

    def __init__(self) -> None:
        super().__init__()
        self.stem0 = nn.Sequential(
            nn.Conv2d(CHANNELS, INIT_CHANNELS // 2, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(INIT_CHANNELS // 2),
            nn.ReLU(),
            nn.Conv2d(INIT_CHANNELS // 2, INIT_CHANNELS, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(INIT_CHANNELS),
            nn.ReLU(),
        )
        self.stem1 = nn.Sequential(
            nn.Conv2d(INIT_CHANNELS, INIT_CHANNELS, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(INIT_CHANNELS),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        quarter = self.stem0(x)
        return quarter, self.stem1(quarter)


STEMS = {
    "cifar": CifarStem,
    "imagenet": ImageNetStem,
}


class Network(nn.Module):
    """Normalised images [N, C, H, W] in, logits [N, number of classes] out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = STEMS[STEM]()
        self.cells = nn.ModuleList()
        channels = INIT_CHANNELS
        before = last = channels if STEM == "imagenet" else 3 * channels
        after_reduction = STEM == "imagenet"
        for position in range(NUM_CELLS):
            reduction = position in REDUCTIONS
            channels *= 2 if reduction else 1
            cell = Cell((before, last), channels, reduction=reduction, after_reduction=after_reduction)
            self.cells.append(cell)
            before, last, after_reduction = last, channels * len(cell.sources) // 2, reduction
        self.classifier = Classifier(last, len(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        check_size(*images.shape[-2:])
        s0, s1 = self.stem(images)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return self.classifier(s1)
