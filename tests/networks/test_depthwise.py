"""The fast depthwise convolution has the outputs and gradients of nn.Conv2d in every layout."""

import pytest
import torch
from torch import nn

from nastk.networks.depthwise import DepthwiseConv2d


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(8, 8), (4, 12), (2, 2), (7, 7), (7, 8)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_equals_conv2d(kernel, dilation, stride, size, layout):
    generator = torch.Generator().manual_seed(kernel + dilation)
    fast = DepthwiseConv2d(6, kernel, stride, dilation).double().to(memory_format=layout)
    plain = nn.Conv2d(6, 6, kernel, stride, fast.padding, dilation, groups=6, bias=False).double()
    plain.load_state_dict(fast.state_dict())
    x = torch.randn(3, 6, *size, generator=generator, dtype=torch.float64).contiguous(memory_format=layout)
    outputs = []
    for module in (fast, plain):
        leaf = x.clone().requires_grad_()
        y = module(leaf)
        weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y)
        (y * weights).sum().backward()
        outputs.append((y.detach(), leaf.grad, module.weight.grad))
    for found, expected in zip(*outputs, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_without_gradient_it_is_the_plain_convolution():
    module = DepthwiseConv2d(4, 3, 2, 2)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(module(x), nn.Conv2d.forward(module, x))
