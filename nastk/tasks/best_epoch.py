"""The best epoch of a training by its validation loss, with the weights that it had."""

from __future__ import annotations

import copy
import math
from typing import Any

from torch import nn

from nastk.tasks.task import Figures


class BestEpoch:
    """Of equally good epochs the earliest.

    epoch: from 1 on; 0 as long as there is none. validation: the figures of the validation images. test: of the
    test images in that epoch, named as such; nothing is chosen by it. network: as it was then.
    """

    def __init__(self, network: nn.Module) -> None:
        self.epoch = 0
        self.validation: Figures = {}
        self.test: Figures = {}
        self.network = copy.deepcopy(network).requires_grad_(False)

    def offer(self, epoch: int, found: Figures, network: nn.Module) -> None:
        """Take this epoch if it is better."""
        if found["loss"] < self.validation.get("loss", math.inf):
            self.epoch, self.validation = epoch, found
            self.network.load_state_dict(network.state_dict())

    def figures(self) -> dict[str, Any]:
        return {"epoch": self.epoch, **self.validation, **self.test}

    def state_dict(self) -> dict[str, Any]:
        figures = {"epoch": self.epoch, "validation": self.validation, "test": self.test}
        return figures | {"network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in ("epoch", "validation", "test"):
            setattr(self, name, state[name])
        self.network.load_state_dict(state["network"])
