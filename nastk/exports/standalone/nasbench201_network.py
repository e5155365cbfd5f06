"""A network of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nastk.exports.standalone.constants import CELL, CHANNELS, CLASSES, INIT_CHANNELS, NUM_CELLS
from nastk.exports.standalone.layers import REDUCTIONS, Classifier, Conv, check_size

# Name -> what builds the operation from its channels.
OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "skip_connect": lambda _: nn.Identity(),
    "avg_pool_3x3": lambda _: nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
    "nor_conv_1x1": lambda channels: Conv(channels, channels, 1),
    "nor_conv_3x3": lambda channels: Conv(channels, channels, 3),
}


class Cell(nn.Module):
    """Node 0 is the input, nodes 1 to 3 add up operations on those before them; 3 is the output."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(OPERATIONS[name](channels) for name, _, _ in CELL)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for node in (1, 2, 3):
            branches = [
                operation(nodes[source])
                for operation, (_, target, source) in zip(self.operations, CELL, strict=True)
                if target == node
            ]
            nodes.append(sum(branches[1:], branches[0]) if branches else torch.zeros_like(x))
        return nodes[3]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions to twice the channels on half the side, and a pooled shortcut around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv(channels, 2 * channels, kernel=3, stride=2)
        self.second = Conv(2 * channels, 2 * channels, kernel=3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.second(self.first(x))


class NormClassifier(Classifier):
    """Batch norm and ReLU before it."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(channels, num_classes)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.relu(self.norm(x)))


class Network(nn.Module):
    """Normalised images [N, C, H, W] in, logits [N, number of classes] out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS, INIT_CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(INIT_CHANNELS)
        )
        self.cells, self.blocks = nn.ModuleList(), nn.ModuleDict()
        channels = INIT_CHANNELS
        for position in range(NUM_CELLS):
            if position in REDUCTIONS:
                self.blocks[str(position)] = ResidualBlock(channels)
                channels *= 2
            self.cells.append(Cell(channels))
        self.classifier = NormClassifier(channels, len(CLASSES))

    def forward(self, images: Tensor) -> Tensor:
        check_size(*images.shape[-2:])
        x = self.stem(images)
        for position, cell in enumerate(self.cells):
            if position in REDUCTIONS:
                x = self.blocks[str(position)](x)
            x = cell(x)
        return self.classifier(x)
