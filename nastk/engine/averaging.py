"""The exponential moving average of a network's weights while it is trained."""

from __future__ import annotations

import copy
from typing import Any, Generic, TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


class WeightAverage(Generic[Module]):
    """`network`: a copy, in eval mode, whose weights follow those of the one that is trained.

    After each step of the optimiser: average = d average + (1 - d) weight, of floating-point buffers (the
    running statistics of norms) likewise; other buffers are copied. d is `decay`, but at the t-th step no more
    than t / (9 + t), so that a short training does not average its random start in (TensorFlow's
    ExponentialMovingAverage has the same warm-up).
    """

    def __init__(self, network: Module, decay: float) -> None:
        self.decay = decay
        self.num_steps = 0
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Follow the weights that `network` has after one more step."""
        self.num_steps += 1
        decay = min(self.decay, self.num_steps / (9 + self.num_steps))
        own, other = self.network.state_dict(), network.state_dict()
        for name, average in own.items():
            if average.is_floating_point():
                average.lerp_(other[name], 1 - decay)
            else:
                average.copy_(other[name])

    def state_dict(self) -> dict[str, Any]:
        return {"num_steps": self.num_steps, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.num_steps = state["num_steps"]
        self.network.load_state_dict(state["network"])
