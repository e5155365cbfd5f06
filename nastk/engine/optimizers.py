"""SGD and Adam: PyTorch's own functions for a step, with what they remember of every parameter.

PyTorch's classes around the same functions import its compiler before their first step, also where nothing is
compiled: two CPU seconds and more, most of a short run's start. The numbers are theirs, bit for bit (a test holds both
together).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

EPSILON = 1e-8  # of Adam, as published (arXiv 1412.6980)


class Optimizer(ABC):
    """Steps of `parameters` along their gradients, at the learning rate `lr`, which may be set between steps.

    A parameter without a gradient stays as it is, and so does what is remembered of it in `memory`, by name;
    before its first step that is nothing.
    """

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.lr = lr
        self.weight_decay = weight_decay
        self.memory: list[dict[str, Tensor]] = [{} for _ in self.parameters]

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        parameters, gradients, memory = [], [], []
        for parameter, remembered in zip(self.parameters, self.memory, strict=True):
            if parameter.grad is not None:
                parameters.append(parameter)
                gradients.append(parameter.grad)
                memory.append(remembered)
        if parameters:
            self._step(parameters, gradients, memory)

    def state_dict(self) -> dict[str, Any]:
        return {"lr": self.lr, "memory": self.memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up copies of what is remembered in `state`."""
        self.lr = state["lr"]
        self.memory = [
            {name: place.copy_(remembered[name]) for name, place in self._places(parameter).items()}
            if remembered
            else {}
            for parameter, remembered in zip(self.parameters, state["memory"], strict=True)
        ]

    @abstractmethod
    def _step(
        self, parameters: list[Tensor], gradients: list[Tensor], memory: list[dict[str, Tensor]]
    ) -> None:
        """A step of parameters that all have a gradient."""

    @abstractmethod
    def _places(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is remembered of a parameter before its first step."""


class SGD(Optimizer):
    """Gradient descent with a momentum, which begins as the first gradient."""

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, lr=lr, weight_decay=weight_decay)
        self.momentum = momentum

    def _step(
        self, parameters: list[Tensor], gradients: list[Tensor], memory: list[dict[str, Tensor]]
    ) -> None:
        momenta = [remembered.get("momentum") for remembered in memory]
        sgd(
            parameters,
            gradients,
            momenta,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            lr=self.lr,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for remembered, momentum in zip(memory, momenta, strict=True):
            if momentum is not None:  # which it is where self.momentum is 0
                remembered["momentum"] = momentum

    def _places(self, parameter: Tensor) -> dict[str, Tensor]:
        return {"momentum": torch.zeros_like(parameter)}


class Adam(Optimizer):
    """Adam with its weight decay in the gradient; decoupled: beside it, which is AdamW (arXiv 1711.05101)."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float,
        decoupled: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, weight_decay=weight_decay)
        self.betas = betas
        self.decoupled = decoupled

    def _step(
        self, parameters: list[Tensor], gradients: list[Tensor], memory: list[dict[str, Tensor]]
    ) -> None:
        for parameter, remembered in zip(parameters, memory, strict=True):
            if not remembered:
                remembered.update(self._places(parameter))
        means, squares, steps = ([one[name] for one in memory] for name in ("mean", "square", "step"))
        update = adamw if self.decoupled else adam
        update(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def _places(self, parameter: Tensor) -> dict[str, Tensor]:
        return {
            "mean": torch.zeros_like(parameter),
            "square": torch.zeros_like(parameter),
            "step": torch.zeros(()),  # counted on the CPU, as PyTorch does
        }
