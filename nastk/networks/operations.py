"""The operations of the DARTS family (arXiv 1806.09055; exact definitions in its public code).

Convolutions have no bias. Inputs and outputs are [N, C, H, W]; stride 2 halves H and W.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nastk.networks.depthwise import DepthwiseConv2d


class ReLUConvBN(nn.Sequential):
    """ReLU, 1x1 convolution, batch norm: how a cell preprocesses its inputs."""

    def __init__(self, channels_in: int, channels: int, *, affine: bool) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels_in, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=affine),
        )


class FactorizedReduce(nn.Module):
    """Halve the map without a pooling: two 1x1 stride-2 convolutions, the second shifted by a pixel.

    Written as 1x1 convolutions of every other pixel, which is the same and touches a quarter of the map.
    """

    def __init__(self, channels_in: int, channels: int, *, affine: bool) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(channels_in, channels // 2, 1, bias=False)
        self.odd = nn.Conv2d(channels_in, channels - channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        even, odd = self.relu(x[:, :, ::2, ::2]), self.relu(x[:, :, 1::2, 1::2])
        return self.norm(torch.cat([self.even(even), self.odd(odd)], dim=1))


def _separable(channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> list[nn.Module]:
    return [
        nn.ReLU(),
        DepthwiseConv2d(channels, kernel, stride, dilation),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    ]


class SepConv(nn.Sequential):
    """ReLU, depthwise, pointwise, batch norm: twice, the second time at stride 1."""

    def __init__(self, channels: int, kernel: int, stride: int, *, affine: bool) -> None:
        super().__init__(
            *_separable(channels, kernel, stride, 1, affine), *_separable(channels, kernel, 1, 1, affine)
        )


class DilConv(nn.Sequential):
    """ReLU, depthwise of dilation 2, pointwise, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int, *, affine: bool) -> None:
        super().__init__(*_separable(channels, kernel, stride, 2, affine))


class Zero(nn.Module):
    """`none`: zeros of the input's type."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


def build_operation(name: str, channels: int, stride: int, *, affine: bool, pool_norm: bool) -> nn.Module:
    """The operation called `name`, from C channels to C.

    affine: batch norms have a scale and a shift. pool_norm: pooling is followed by a batch norm
    (never affine), as in DARTS's supernet.
    """
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine=affine)
    if name in ("max_pool_3x3", "avg_pool_3x3"):
        pool = (
            nn.MaxPool2d(3, stride, padding=1)
            if name == "max_pool_3x3"
            else nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
        )
        return nn.Sequential(pool, nn.BatchNorm2d(channels, affine=False)) if pool_norm else pool
    kind, kernel = {
        "sep_conv_3x3": (SepConv, 3),
        "sep_conv_5x5": (SepConv, 5),
        "dil_conv_3x3": (DilConv, 3),
        "dil_conv_5x5": (DilConv, 5),
    }[name]
    return kind(channels, kernel, stride, affine=affine)
