"""How long a training pass takes here, measured."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import Tensor, nn

from nastk.engine.bilevel import gradients
from nastk.engine.device import Engine


def seconds_of_a_pass(network: nn.Module, loss: Callable[[], Tensor], engine: Engine) -> float:
    """Forward and backward pass of `loss`, of the network's output on one batch; nothing is updated by a step.

    The running statistics of the network's norms move.
    """
    seconds = 0.0
    for _ in range(2):  # the first one warms up
        began = time.monotonic()
        with engine.autocast():
            found = loss()
        first, *_ = gradients(found, list(network.parameters()))
        float(first.flatten()[0])  # a GPU has to be done
        seconds = time.monotonic() - began
    return seconds
