"""Max pooling with small positions gives PyTorch's values and gradients, and keeps fewer bytes."""

import pytest
import torch
from torch import nn

from nastk.networks.max_pool import MaxPool2d

LAYOUTS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (2, 2), (200, 190)])  # the last needs more than 16 bits
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_is_pytorchs(size, stride, layout):
    x = torch.randn(2, 3, *size).round(decimals=1).contiguous(memory_format=LAYOUTS[layout])  # with ties
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, expected = MaxPool2d(stride)(one), nn.MaxPool2d(3, stride, padding=1)(other)
    assert torch.equal(y, expected)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.equal(one.grad, other.grad)


def test_keeps_a_quarter_of_the_bytes():
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        MaxPool2d(1)(x)
    assert sum(tensor.nbytes for tensor in kept if tensor.data_ptr() != x.data_ptr()) == x.numel() * 2
