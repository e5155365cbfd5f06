"""The best epoch of a training by its validation loss, with the weights that it had."""

from __future__ import annotations

import copy
import math
from typing import Any

from nastk.engine.training import Averages
from nastk.networks.network import Network


class BestEpoch:
    """Of equally good epochs the earliest.

    epoch: from 1 on; 0 as long as there is none. loss, accuracy (%): of the validation images. test_accuracy
    (%): of the test images in that epoch; nothing is chosen by it. network: as it was then.
    """

    def __init__(self, network: Network) -> None:
        self.epoch = 0
        self.loss = math.inf
        self.accuracy = self.test_accuracy = 0.0
        self.network = copy.deepcopy(network).requires_grad_(False)

    def offer(self, epoch: int, found: Averages, network: Network) -> None:
        """Take this epoch if it is better."""
        if found.loss < self.loss:
            self.epoch, self.loss, self.accuracy = epoch, found.loss, found.accuracy
            self.network.load_state_dict(network.state_dict())

    def figures(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("epoch", "loss", "accuracy", "test_accuracy")}

    def state_dict(self) -> dict[str, Any]:
        return self.figures() | {"network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in ("epoch", "loss", "accuracy", "test_accuracy"):
            setattr(self, name, state[name])
        self.network.load_state_dict(state["network"])
