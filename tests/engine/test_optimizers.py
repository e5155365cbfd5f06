"""The optimisers against PyTorch's classes, bit for bit, and going on from a state."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nastk.engine.optimizers import SGD, Adam, Optimizer

PAIRS = {
    "sgd": (SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    "sgd without momentum": (SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0}),
    "adam": (Adam, torch.optim.Adam, {"lr": 0.01, "betas": (0.5, 0.999), "weight_decay": 0.1}),
    "adamw": (Adam, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
}


def _weights() -> list[Tensor]:
    """As networks have them, channels-last ones among them."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 8, 3, 3), (8, 1, 5, 5), (8,), (16, 8), ()]
    weights = [torch.randn(shape, generator=generator) for shape in shapes]
    weights[0] = weights[0].contiguous(memory_format=torch.channels_last)
    return [nn.Parameter(weight) for weight in weights]


def _own(name: str, weights: list[Tensor]) -> Optimizer:
    kind, _, settings = PAIRS[name]
    return kind(weights, **settings | ({"decoupled": True} if name == "adamw" else {}))


def _steps(optimizer: Any, weights: list[Tensor], steps: range) -> None:
    """Steps with gradients that depend on their number, every third without that of some of the weights."""
    for step in steps:
        optimizer.zero_grad()
        assert all(weight.grad is None for weight in weights)
        generator = torch.Generator().manual_seed(step)
        for place, weight in enumerate(weights):
            gradient = torch.randn(weight.shape, generator=generator)
            if (place + step) % 3:
                weight.grad = torch.empty_like(weight).copy_(gradient)
        optimizer.step()


@pytest.mark.parametrize("name", PAIRS)
def test_bit_for_bit_those_of_pytorch(name):
    own, theirs = _weights(), _weights()
    optimizer, reference = _own(name, own), PAIRS[name][1](theirs, **PAIRS[name][2])
    _steps(optimizer, own, range(4))
    _steps(reference, theirs, range(4))
    optimizer.lr = reference.param_groups[0]["lr"] = 0.003
    _steps(optimizer, own, range(4, 8))
    _steps(reference, theirs, range(4, 8))
    assert all(map(torch.equal, own, theirs))
    assert not any(map(torch.equal, own, _weights()))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("at", [0, 1, 4])
def test_going_on_from_a_state(name, at):
    """After one step, some weights have had no gradient yet. The state that is taken up stays as it is."""
    expected, weights = _weights(), _weights()
    _steps(_own(name, expected), expected, range(6))
    before = _own(name, weights)
    _steps(before, weights, range(at))
    state = copy.deepcopy(before.state_dict())
    optimizer = _own(name, weights)
    optimizer.lr = 7.0
    optimizer.load_state_dict(state)
    _steps(optimizer, weights, range(at, 6))
    assert all(map(torch.equal, weights, expected))
    for kept, was in zip(state["memory"], before.state_dict()["memory"], strict=True):
        assert all(torch.equal(kept[key], was[key]) for key in was) and kept.keys() == was.keys()


def test_weights_without_gradients_stay():
    weights = _weights()
    optimizer = _own("adam", weights)
    optimizer.step()
    assert all(map(torch.equal, weights, _weights())) and not any(optimizer.memory)
