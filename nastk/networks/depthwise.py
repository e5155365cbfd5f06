"""Depthwise convolution with a faster backward pass on the CPU; the numbers are those of nn.Conv2d.

PyTorch's CPU backward of a depthwise convolution costs up to ten times its forward, most of all with
dilation or stride. Here the gradient of the input is a forward convolution with the flipped kernel
(at stride 2 of the output gradient with zeros between); the gradient of the weight is brought back
to kernels of 3x3 without dilation, which are fast: a dilation of 2 is an ordinary convolution on
each of the four phases of the map, and a 5x5 kernel is covered by four 3x3 tiles.
Legend: N batch, C channels, H W.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DepthwiseConv2d(nn.Conv2d):
    """A bias-free depthwise convolution [N, C, H, W] -> [N, C, H / stride, W / stride], odd kernel."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int) -> None:
        padding = dilation * (kernel - 1) // 2
        super().__init__(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        even = x.shape[-2] % 2 == 0 and x.shape[-1] % 2 == 0
        plain = (
            torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled()
        )
        if x.device.type != "cpu" or plain or not even:
            return super().forward(x)
        stride, dilation = self.stride[0], self.dilation[0]
        if stride == dilation == 2:  # only pixels of even rows and columns ever meet the kernel
            x, stride, dilation = x[:, :, ::2, ::2], 1, 1
        y: Tensor = _Depthwise.apply(x, self.weight, stride, dilation)
        return y


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.dilation = stride, dilation
        return _convolve(x, weight, stride, dilation)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        if ctx.stride == 2:  # as if at stride 1, where the outputs between were not used
            full = torch.zeros_like(x)
            full[:, :, ::2, ::2] = grad
            grad = full
        grad_x = _convolve(grad, weight.flip(2, 3), 1, ctx.dilation) if ctx.needs_input_grad[0] else None
        grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(x, grad, weight.shape[-1], ctx.dilation)
        return grad_x, grad_weight, None, None


def _convolve(x: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
    padding = dilation * (weight.shape[-1] - 1) // 2
    return F.conv2d(x, weight, None, stride, padding, dilation, x.shape[1])


def _weight_gradient(x: Tensor, grad: Tensor, kernel: int, dilation: int) -> Tensor:
    """The gradient [C, 1, k, k] of a stride-1 depthwise kernel from input and output gradient [N, C, H, W]."""
    height, width = x.shape[-2:]
    if dilation == 2 and height % 2 == 0 and width % 2 == 0:
        return _weight_gradient(_phases(x), _phases(grad), kernel, 1)
    if dilation == 1 and kernel == 5:
        padded = F.pad(x, (2, 2, 2, 2))
        result = x.new_empty(x.shape[1], 1, 5, 5)
        for row in (0, 2):
            for column in (0, 2):
                window = padded[:, :, row : row + height + 2, column : column + width + 2]
                result[:, :, row : row + 3, column : column + 3] = _plain_weight_gradient(
                    window, grad, 3, 0, 1
                )
        return result
    return _plain_weight_gradient(x, grad, kernel, dilation * (kernel - 1) // 2, dilation)


def _plain_weight_gradient(x: Tensor, grad: Tensor, kernel: int, padding: int, dilation: int) -> Tensor:
    channels = x.shape[1]
    shape = x.new_empty(1).expand(channels, 1, kernel, kernel)  # only its shape is read
    gradients = torch.ops.aten.convolution_backward(
        grad,
        x,
        shape,
        None,
        [1, 1],
        [padding] * 2,
        [dilation] * 2,
        False,
        [0, 0],
        channels,
        [False, True, False],
    )
    weight_gradient: Tensor = gradients[1]
    return weight_gradient


def _phases(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [4N, C, H/2, W/2]: the pixels of even and odd rows and columns apart."""
    num, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(num, height // 2, 2, width // 2, 2, channels)
    return (
        pixels.permute(2, 4, 0, 1, 3, 5)
        .reshape(4 * num, height // 2, width // 2, channels)
        .permute(0, 3, 1, 2)
    )
