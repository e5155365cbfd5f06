"""Task: what a network is trained for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from nastk.data.batches import Batches
from nastk.engine.training import LossMeter

Figures = dict[str, float]  # by name, of an epoch
Forward = Callable[..., Any]  # images [N, C, H, W], masks of drop path -> what the network says


@dataclass(frozen=True)
class Measure:
    """The figure that counts; direction: "max" or "min", which of two is better."""

    name: str
    direction: str

    def better(self, one: float, other: float) -> float:
        return max(one, other) if self.direction == "max" else min(one, other)


class Task(Protocol):
    """The loss of a network on batches of images with targets, and what its outputs are worth.

    What a batch's targets are, and what a network says, is the task's own affair.
    """

    score: Measure

    def loss(
        self, forward: Forward, images: Tensor, targets: Any, masks: Tensor | None
    ) -> tuple[Tensor, Any]:
        """The mean training loss of a batch, and the outputs it was taken of."""

    def mixed(self, images: Tensor, targets: Any) -> tuple[Tensor, Any]:
        """What the loss of a training step is taken of: the batch itself, or one mixed of its images."""

    def meter(self) -> LossMeter:
        """Adds up an epoch of training."""

    def test(self, network: nn.Module, batches: Batches, *, in_detail: bool) -> tuple[Figures, Any | None]:
        """Figures of the network in evaluation mode, `score` and a "loss" among them; in detail, if asked for.

        The details have a state_dict, which `details` makes them of again.
        """

    def details(self, state: dict[str, Any]) -> Any:
        """Those that had this state."""
