"""The pointwise convolution has the outputs and gradients of nn.Conv2d, of small maps and of large ones."""

import pytest
import torch
from torch import nn

from nastk.networks import pointwise
from nastk.networks.pointwise import PointwiseConv2d

CHANNELS, CHANNELS_OUT = 8, 16


def images(layout, step=1):
    x = torch.randn(3, CHANNELS, 8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x.contiguous(memory_format=layout)[:, :, ::step, ::step]


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_conv2d(layout, step):
    ours = PointwiseConv2d(CHANNELS, CHANNELS_OUT).double().to(memory_format=layout)
    plain = nn.Conv2d(CHANNELS, CHANNELS_OUT, 1, bias=False).double()
    plain.load_state_dict(ours.state_dict())
    outputs = []
    for module in (ours, plain):
        leaf = images(layout).requires_grad_()
        y = module(leaf[:, :, ::step, ::step])
        weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y)
        (y * weights).sum().backward()
        outputs.append((y.detach(), leaf.grad, module.weight.grad))
        assert y.is_contiguous(memory_format=layout)
    for found, expected in zip(*outputs, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def calls_of_linear(monkeypatch, module, x):
    calls = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(pointwise.F, "linear", lambda *of: calls.append(of) or linear(*of))
    module(x)
    return len(calls)


def test_small_maps_in_training_are_matrix_products(monkeypatch):
    x = images(torch.channels_last).float()
    assert calls_of_linear(monkeypatch, PointwiseConv2d(CHANNELS, CHANNELS_OUT), x) == 1


def test_a_prediction_does_not_depend_on_the_size_of_its_batch(monkeypatch):
    x = images(torch.channels_last).float()
    assert calls_of_linear(monkeypatch, PointwiseConv2d(CHANNELS, CHANNELS_OUT).eval(), x) == 0


def test_large_maps_are_convolutions(monkeypatch):
    x = images(torch.channels_last).float()
    monkeypatch.setattr(pointwise, "SMALL", x.numel() - 1)
    assert calls_of_linear(monkeypatch, PointwiseConv2d(CHANNELS, CHANNELS_OUT), x) == 0
