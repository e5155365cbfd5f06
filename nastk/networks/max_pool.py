"""Max pooling that keeps a quarter of the bytes for its backward pass; the numbers are PyTorch's.

PyTorch keeps of every output the position of its maximum as 8 bytes, twice the map itself; positions
in a map of up to 181x181 pixels fit into 2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaxPool2d(nn.Module):
    """Max pooling 3x3 with padding 1: [N, C, H, W] -> [N, C, H / stride, W / stride]."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return F.max_pool2d(x, 3, self.stride, padding=1)
        y: Tensor = _MaxPool.apply(x, self.stride)
        return y


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, stride: int) -> Tensor:
        y, positions = F.max_pool2d(x, 3, stride, padding=1, return_indices=True)
        small = torch.int16 if x.shape[-2] * x.shape[-1] <= torch.iinfo(torch.int16).max else torch.int32
        ctx.save_for_backward(x, positions.to(small))
        ctx.stride = stride
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, positions = ctx.saved_tensors
        s = ctx.stride
        grad_x: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
            grad, x, [3, 3], [s, s], [1, 1], [1, 1], False, positions.long()
        )
        return grad_x, None
