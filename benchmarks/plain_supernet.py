"""The DARTS supernet as the papers define it: the reference that nastk's is held against.

Every edge has its own list of operations, its value is their weighted sum, and nothing is shared or
rearranged (arXiv 1806.09055, equation 2). Only for comparisons: see tests/networks/test_plain_supernet.py
and supernet_speed.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import Gates, Row
from nastk.networks.layout import CifarStem, Classifier, Preprocess, places
from nastk.spaces.cell import CellSpace
from nastk.spaces.cell_topology import NUM_INPUTS
from nastk.spaces.mask import Mask


class Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0) if self.stride == 1 else x[:, :, ::2, ::2].mul(0.0)


class Reduce(nn.Module):
    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(channels, channels // 2, 1, stride=2, bias=False)
        self.conv2 = nn.Conv2d(channels, channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        return self.norm(torch.cat([self.conv1(x), self.conv2(x[:, :, 1:, 1:])], dim=1))


def separable(channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> list[nn.Module]:
    padding = dilation * (kernel - 1) // 2
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    ]


def operation(name: str, channels: int, stride: int, space: CellSpace) -> nn.Module:
    affine = space.affine
    norm = [nn.BatchNorm2d(channels, affine=False)] if space.pool_norm else []
    if name == "none":
        return Zero(stride)
    if name == "max_pool_3x3":
        return nn.Sequential(nn.MaxPool2d(3, stride, padding=1), *norm)
    if name == "avg_pool_3x3":
        return nn.Sequential(nn.AvgPool2d(3, stride, padding=1, count_include_pad=False), *norm)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else Reduce(channels, affine)
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return nn.Sequential(*separable(channels, kernel, stride, 2, affine))
    return nn.Sequential(
        *separable(channels, kernel, stride, 1, affine), *separable(channels, kernel, 1, 1, affine)
    )


class PlainCell(nn.Module):
    def __init__(self, space: CellSpace, mask: Mask, place) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.edges = space.edges
        allowed = space.of_type(place.cell_type, mask.allowed)
        self.preprocess = Preprocess(place, affine=space.affine)
        self.operations = nn.ModuleList(
            nn.ModuleDict(
                {
                    str(index): operation(
                        space.operations[index],
                        place.channels,
                        2 if place.reduction and source < NUM_INPUTS else 1,
                        space,
                    )
                    for index in allowed[edge]
                }
            )
            for edge, (_, source) in enumerate(space.edges)
        )

    def forward(self, s0: Tensor, s1: Tensor, rows: Sequence[Row]) -> Tensor:
        states = self.preprocess(F.relu(s0), F.relu(s1))
        for node in range(NUM_INPUTS, self.edges[-1][0] + 1):
            states.append(
                sum(
                    sum(weight * operations[str(index)](states[source]) for index, weight in row)
                    for (target, source), row, operations in zip(
                        self.edges, rows, self.operations, strict=True
                    )
                    if target == node
                )
            )
        return torch.cat(states[NUM_INPUTS:], dim=1)


class PlainSupernet(nn.Module):
    """forward(images, gates) -> logits, as CellSupernet's."""

    def __init__(
        self,
        space: CellSpace,
        mask: Mask,
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int = 3,
    ) -> None:
        super().__init__()
        self.space = space
        self.stem = CifarStem(channels_in, init_channels)
        self.places = places(
            num_cells, init_channels, self.stem.channels, space.num_nodes, after_reduction=False
        )
        self.cells = nn.ModuleList(PlainCell(space, mask, place) for place in self.places)
        self.classifier = Classifier(self.places[-1].channels * space.num_nodes, num_classes)

    def forward(self, images: Tensor, gates: Gates) -> Tensor:
        s0, s1 = self.stem(images)
        for place, cell in zip(self.places, self.cells, strict=True):
            s0, s1 = s1, cell(s0, s1, self.space.of_type(place.cell_type, gates.rows))
        return self.classifier(s1)


def matching_tensors(plain: PlainSupernet, supernet: CellSupernet) -> list[tuple[str, Tensor, Tensor]]:
    """(name, the plain net's tensor, the supernet's) of every parameter and buffer.

    What the supernet keeps once for several edges is paired with each edge's own.
    """
    pairs = []

    def match(name: str, one: nn.Module, other: nn.Module) -> None:
        for kind in ("parameters", "buffers"):  # without PyTorch's counts of batches
            ours = [tensor for tensor in getattr(one, kind)() if tensor.dim()]
            theirs = list(getattr(other, kind)())
            assert len(ours) == len(theirs), name
            pairs.extend(
                (f"{name}.{kind}[{i}]", a, b) for i, (a, b) in enumerate(zip(ours, theirs, strict=True))
            )

    match("stem", plain.stem, supernet.stem)
    match("classifier", plain.classifier, supernet.classifier)
    for position, (one, other) in enumerate(zip(plain.cells, supernet.cells, strict=True)):
        match(f"cell {position} preprocess", one.preprocess, other.preprocess)
        for edge, operations in enumerate(one.operations):
            for index, module in operations.items():
                match(f"cell {position} edge {edge} op {index}", module, other.owner(edge, int(index))[index])
    return pairs


def copy_weights(plain: PlainSupernet, supernet: CellSupernet) -> None:
    """Give the plain net the supernet's parameters and buffers."""
    with torch.no_grad():
        for _, ours, theirs in matching_tensors(plain, supernet):
            ours.copy_(theirs)
