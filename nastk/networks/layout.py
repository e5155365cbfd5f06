"""How cells are stacked into a network: where the reductions stand, channels, stems, heads.

Shared by the discrete network and the supernet. Source: DARTS (arXiv 1806.09055) and its public code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.batch_norm import BatchNorm2d
from nastk.networks.operations import Conv, FactorizedReduce
from nastk.wording import counted


@dataclass(frozen=True)
class CellPlace:
    """Where a cell stands: its inputs' channels, its own, and which inputs have the larger map."""

    channels_in: tuple[int, int]  # of c_{k-2} and c_{k-1}
    channels: int
    reduction: bool
    after_reduction: bool  # c_{k-2} has twice the side of c_{k-1}

    @property
    def cell_type(self) -> int:
        return int(self.reduction)


def reductions(num_cells: int) -> set[int]:
    """The positions of the reduction cells: a third and two thirds of the way."""
    return {num_cells // 3, 2 * num_cells // 3}


def places(
    num_cells: int,
    init_channels: int,
    stem_channels: tuple[int, int],
    num_nodes: int,
    *,
    after_reduction: bool,
) -> list[CellPlace]:
    """The places of all cells; `after_reduction` says whether the stem's two outputs differ in side."""
    result = []
    before, last, channels = *stem_channels, init_channels
    for position in range(num_cells):
        reduction = position in reductions(num_cells)
        channels = channels * 2 if reduction else channels
        result.append(CellPlace((before, last), channels, reduction, after_reduction))
        before, last, after_reduction = last, channels * num_nodes, reduction
    return result


def check_image_size(height: int, width: int, *, num_cells: int, stem: str) -> None:
    """ValueError if the network cannot halve images of this size as often as it needs to."""
    divisor = 2 ** len(reductions(num_cells)) * (8 if stem == "imagenet" else 1)
    if height % divisor or width % divisor or min(height, width) < 2 * divisor:
        raise ValueError(
            f"images of {height}x{width} pixels do not fit: with the {stem} stem and "
            f"{counted(num_cells, 'cell')} both sides must be multiples of {divisor} from {2 * divisor} up "
            f"(nearest: {nearest_sizes(height, width, divisor, 2 * divisor)}); set data.image_size"
        )


def nearest_sizes(height: int, width: int, multiple: int, least: int) -> str:
    """The next smaller size whose sides are multiples, none below `least`, and the next larger: "28x28, 32x32"."""
    smaller = tuple(max(least, side // multiple * multiple) for side in (height, width))
    larger = tuple(max(least, -(-side // multiple) * multiple) for side in (height, width))
    return ", ".join(f"{high}x{wide}" for high, wide in sorted({smaller, larger}))


class CifarStem(nn.Module):
    """3x3 convolution to 3 x C channels at full resolution, batch norm, ReLU: both inputs of the first cell."""

    reductions = (1, 1)

    def __init__(self, channels_in: int, init_channels: int) -> None:
        super().__init__()
        self.channels = (3 * init_channels, 3 * init_channels)
        self.conv = nn.Conv2d(channels_in, 3 * init_channels, 3, padding=1, bias=False)
        self.norm = BatchNorm2d(3 * init_channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.norm(self.conv(x)))
        return x, x


class ImageNetStem(nn.Module):
    """Three stride-2 convolutions: the cell inputs, behind a ReLU, are a quarter and an eighth of the image's side."""

    reductions = (4, 8)

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.channels = (channels, channels)
        self.stem0 = nn.Sequential(
            nn.Conv2d(channels_in, channels // 2, 3, stride=2, padding=1, bias=False),
            BatchNorm2d(channels // 2),
            nn.ReLU(),
            nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
            BatchNorm2d(channels),
            nn.ReLU(),
        )
        self.stem1 = nn.Sequential(
            nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
            BatchNorm2d(channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        quarter = self.stem0(x)
        return quarter, self.stem1(quarter)


class Preprocess(nn.Module):
    """Bring a cell's two inputs to its number of channels and one map size.

    ReLU, 1x1 convolution, batch norm, of which the ReLU is done before: two cells read every output,
    and share it.
    """

    def __init__(self, place: CellPlace, *, affine: bool) -> None:
        super().__init__()
        first = FactorizedReduce if place.after_reduction else Conv
        self.first = first(place.channels_in[0], place.channels, affine=affine)
        self.second = Conv(place.channels_in[1], place.channels, affine=affine)

    def forward(self, s0: Tensor, s1: Tensor) -> list[Tensor]:
        """s0, s1: the outputs of the last cell but one and of the last, behind their ReLU."""
        return [self.first.rectified(s0, None), self.second.rectified(s1, None)]


class AuxiliaryHead(nn.Module):
    """The auxiliary classifier of the paper's evaluation, on the map after two thirds of the cells.

    CIFAR (map 8x8): average pooling 5 stride 3; ImageNet (map 7x7): stride 2, and no second batch
    norm, as in DARTS's code. Other map sizes, which the authors' head cannot take: a map too small
    for the paper's pooling is pooled to 2x2, and what a larger one leaves is averaged at the end.
    """

    def __init__(self, channels: int, num_classes: int, *, stem: str) -> None:
        super().__init__()
        self.stride = 2 if stem == "imagenet" else 3
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(channels, 128, 1, bias=False)
        self.norm1 = BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 768, 2, bias=False)
        self.norm2 = nn.Identity() if stem == "imagenet" else BatchNorm2d(768)
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x: the map behind its ReLU."""
        if min(x.shape[-2:]) < 5 + self.stride:
            # Adaptive pooling to 2x2, written as one that has a deterministic backward on CUDA.
            height, width = x.shape[-2:]
            x = F.avg_pool2d(x, ((height + 1) // 2, (width + 1) // 2), (height // 2, width // 2))
        else:
            x = F.avg_pool2d(x, 5, self.stride, count_include_pad=False)
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


class Classifier(nn.Module):
    """Global average pooling and a linear layer."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(torch.mean(x, dim=(2, 3)))
        return logits
