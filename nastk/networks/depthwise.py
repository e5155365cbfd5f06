"""Depthwise convolution with a faster backward pass on the CPU; the numbers are those of nn.Conv2d.

PyTorch's CPU backward of a depthwise convolution costs up to thirty times its forward, most of all with
dilation. Here the gradient of the input is, at stride 1, a forward convolution with the flipped kernel.
The gradient of the weight is fast for kernels up to 3 wide, of any height, without dilation; so a 5x5
kernel is covered by two tiles of 5x3, and a map that meets a kernel of dilation 2 is read as one of twice
the channels, whose columns are the pairs of columns, and whose two rows of a pair stand side by side.
Both are only other views of the same pixels, once there are zeros before every row (`Rows`).
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
        small = min(x.shape[-2:]) < self.kernel_size[0]
        if dilation == 1 and (self.kernel_size[0] == 3 or (stride == 2 and not small)):  # as fast in PyTorch
            return _convolve(x, self.weight, stride, dilation)
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
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            if ctx.stride == 1:
                grad_x = _convolve(grad, weight.flip(2, 3), 1, ctx.dilation)
            else:
                grad_x = _plain_backward(grad, x, weight, ctx.stride, of_weight=False)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(x, grad, weight.shape[-1], ctx.stride, ctx.dilation)
        return grad_x, grad_weight, None, None


def _convolve(x: Tensor, weight: Tensor, stride: int, dilation: int) -> Tensor:
    padding = dilation * (weight.shape[-1] - 1) // 2
    return F.conv2d(x, weight, None, stride, padding, dilation, x.shape[1])


def _weight_gradient(x: Tensor, grad: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """The gradient [C, 1, k, k] of a depthwise kernel, 5x5 or of dilation 2, from input and output gradient.

    Stride or dilation are 1 or 2, not both 2; k is 3 or 5.
    """
    channels = x.shape[1]
    shape = x.new_empty(1).expand(channels * dilation, 1, kernel, 3)  # only its shape is read
    of_x, of_grad = Rows(x, kernel, 1, dilation), Rows(grad, kernel, stride, dilation)
    result = x.new_empty(channels, 1, kernel, kernel)
    for shift, column in ((0, 0),) if kernel == 3 else ((-1, 0), (1, 2)):
        tile = _plain_backward(of_grad.shifted(0), of_x.shifted(shift), shape, stride, of_weight=True)
        if dilation == 2:  # both columns of a pair
            tile = tile[:channels] + tile[channels:]
        result[..., column : column + 3] = tile
    return result


class Rows:
    """A map [N, C, H, W] with zeros before every row, as many as a kernel reaches beyond the map.

    What is read beyond either end of a row is then zero, so that a map that is shifted by a column is
    the same memory, read from elsewhere. With dilation 2 it is a map [N, 2C, H / 2, W + zeros].
    stride: of what the map is the output of; its zeros are as many times fewer.
    """

    def __init__(self, x: Tensor, kernel: int, stride: int, dilation: int) -> None:
        num, channels, height, width = x.shape
        zeros = dilation * (kernel // 2) // stride
        # PyTorch is slow where the kernel is higher than the map.
        rows = max(height, -(-kernel * dilation // stride))
        self.column = dilation * channels
        self.shape = num, rows // dilation, width + zeros, self.column
        self.pixels = x.new_zeros(self.column + num * rows * (width + zeros) * channels + self.column)
        inner = self.pixels[self.column : -self.column].view(num, rows, width + zeros, channels)
        inner[:, :height, zeros:] = x.permute(0, 2, 3, 1)

    def shifted(self, columns: int) -> Tensor:
        """The map whose every column is the one `columns` (-1 to 1) further on."""
        first = self.column * (1 + columns)
        last = len(self.pixels) - self.column * (1 - columns)
        return self.pixels[first:last].view(self.shape).permute(0, 3, 1, 2)


def _plain_backward(grad: Tensor, x: Tensor, weight: Tensor, stride: int, *, of_weight: bool) -> Tensor:
    """PyTorch's gradient of the weight or of the input, of a kernel in the middle of its output."""
    padding = [weight.shape[2] // 2, weight.shape[3] // 2]
    gradients = torch.ops.aten.convolution_backward(
        grad,
        x,
        weight,
        None,
        [stride, stride],
        padding,
        [1, 1],
        False,
        [0, 0],
        x.shape[1],
        [not of_weight, of_weight, False],
    )
    gradient: Tensor = gradients[of_weight]
    return gradient
