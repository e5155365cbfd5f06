"""The operations of the DARTS family (arXiv 1806.09055) and of NAS-Bench-201 (arXiv 2001.00326).

Convolutions have no bias. Inputs and outputs are [N, C, H, W]; stride 2 halves H and W. Operations
with weights all begin with a ReLU and end with a batch norm: `rectified` starts behind the ReLU, so
that operations on one state can share it, and takes a gate into the norm's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.engine.recomputation import Recomputing, computed_again
from nastk.networks.batch_norm import BatchNorm2d
from nastk.networks.depthwise import DepthwiseConv2d
from nastk.networks.gates import Gate
from nastk.networks.max_pool import MaxPool2d
from nastk.networks.pointwise import PointwiseConv2d


class WeightedOperation(Recomputing):
    """An operation with weights: a ReLU, convolutions, a batch norm at the end.

    What its norms read it keeps, or computes it again from what its convolutions read, which they keep.
    """

    def forward(self, x: Tensor) -> Tensor:
        return self.rectified(F.relu(x), None)

    def rectified(self, x: Tensor, gate: Gate | None) -> Tensor:
        """The operation behind its ReLU, times `gate` (None: 1)."""
        raise NotImplementedError

    def normed(self, convolve: Callable[[], Tensor], norm: nn.Module, gate: Gate | None) -> Tensor:
        """`gate` times the norm of convolve()."""
        x = convolve()
        again = self.recompute and torch.is_grad_enabled() and not torch.compiler.is_compiling()
        with computed_again(x, convolve) if again else nullcontext():
            y: Tensor = norm(x, gate)
        return y


class FactorizedReduce(WeightedOperation):
    """Halve the map without a pooling: two 1x1 stride-2 convolutions, the second shifted by a pixel.

    Written as 1x1 convolutions of every other pixel, which is the same and touches a quarter of the map.
    """

    def __init__(self, channels_in: int, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.even = PointwiseConv2d(channels_in, channels // 2)
        self.odd = PointwiseConv2d(channels_in, channels - channels // 2)
        self.norm = BatchNorm2d(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        even, odd = diagonals(x)
        return self.join(F.relu(even), F.relu(odd), None)

    def rectified(self, x: Tensor, gate: Gate | None) -> Tensor:
        return self.join(*diagonals(x), gate)

    def join(self, even: Tensor, odd: Tensor, gate: Gate | None) -> Tensor:
        """`rectified` of the map whose `diagonals` these are."""
        return self.normed(lambda: torch.cat([self.even(even), self.odd(odd)], dim=1), self.norm, gate)


def diagonals(x: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels of even rows and columns, and those of odd rows and columns."""
    return x[:, :, ::2, ::2], x[:, :, 1::2, 1::2]


class Conv(WeightedOperation):
    """A convolution between a ReLU and a batch norm; as 1x1, how a DARTS cell preprocesses its inputs."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int = 1, stride: int = 1, *, affine: bool
    ) -> None:
        super().__init__()
        self.conv = (
            PointwiseConv2d(channels_in, channels)
            if kernel == stride == 1
            else nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False)
        )
        self.norm = BatchNorm2d(channels, affine=affine)

    def rectified(self, x: Tensor, gate: Gate | None) -> Tensor:
        return self.normed(lambda: self.conv(x), self.norm, gate)


class SeparableConv(WeightedOperation):
    """Depthwise and pointwise convolution with a batch norm behind; `repeats` times, a ReLU between.

    sep_conv: twice, the second time at stride 1, without dilation. dil_conv: once, with dilation 2.
    """

    def __init__(
        self, channels: int, kernel: int, stride: int, *, dilation: int, repeats: int, affine: bool
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.ModuleDict(
                {
                    "depthwise": DepthwiseConv2d(channels, kernel, stride if stage == 0 else 1, dilation),
                    "pointwise": PointwiseConv2d(channels, channels),
                    "norm": BatchNorm2d(channels, affine=affine),
                }
            )
            for stage in range(repeats)
        )

    def rectified(self, x: Tensor, gate: Gate | None) -> Tensor:
        last = len(self.stages) - 1
        for position, stage in enumerate(self.stages):
            assert isinstance(stage, nn.ModuleDict)
            inner = stage["depthwise"](x)
            own = gate if position == last else None
            x = self.normed(partial(stage["pointwise"], inner), stage["norm"], own)
            if position < last:
                x = F.relu(x, inplace=True)  # batch norm's backward does not need its output
        return x


class Zero(nn.Module):
    """`none`: zeros of the input's type."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


POOLS = ("max_pool_3x3", "avg_pool_3x3")
SKIPS = ("skip_connect",)  # at stride 1
CONVOLUTIONS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}  # NAS-Bench-201's, with the sides of their kernels


def build_operation(name: str, channels: int, stride: int, *, affine: bool, pool_norm: bool) -> nn.Module:
    """The operation called `name`, from C channels to C.

    affine: batch norms have a scale and a shift. pool_norm: pooling is followed by a batch norm
    (never affine), as in DARTS's supernet.
    """
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine=affine)
    if name in POOLS:
        pool = (
            MaxPool2d(stride)
            if name == "max_pool_3x3"
            else nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        )
        return nn.Sequential(pool, BatchNorm2d(channels, affine=False)) if pool_norm else pool
    if name in CONVOLUTIONS:
        return Conv(channels, channels, CONVOLUTIONS[name], stride, affine=affine)
    kernel, dilation, repeats = {
        "sep_conv_3x3": (3, 1, 2),
        "sep_conv_5x5": (5, 1, 2),
        "dil_conv_3x3": (3, 2, 1),
        "dil_conv_5x5": (5, 2, 1),
    }[name]
    return SeparableConv(channels, kernel, stride, dilation=dilation, repeats=repeats, affine=affine)
