"""Which memory layout of maps is the faster one on this device: the few layers that networks here are made of, timed.

In channels-last, cuDNN's fp32 depthwise convolutions take another path than in NCHW, and which is the faster one
depends on the GPU. Convolutions give their outputs in the layout of their inputs and weights.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import torch
from torch import nn

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
BATCH, CHANNELS, SIDE = 64, 32, 16  # of a supernet's middle cells
KERNELS = ((3, 1), (5, 1), (3, 2), (5, 2))  # with their dilations
WARM_UP, ROUNDS = 5, 5


@functools.cache
def fastest_layout(device: torch.device, precision: str) -> str:
    """By a probe of well under a second, once a process; `precision` is the engine's, which is in force."""
    autocast = functools.partial(torch.autocast, device.type, torch.bfloat16, enabled=precision == "bf16")
    seconds = {name: _Probe(layout, device, autocast) for name, layout in LAYOUTS.items()}
    return fastest(seconds)


def fastest(seconds: Mapping[str, Callable[[], float]]) -> str:
    """The name whose function, which says what it takes, says least; they take turns, and the first calls warm up.

    Of each the least counts: what else the machine does makes it only slower.
    """
    found: dict[str, list[float]] = {name: [] for name in seconds}
    for _ in range(WARM_UP + ROUNDS):
        for name, take in seconds.items():
            found[name].append(take())
    return min(found, key=lambda name: min(found[name][WARM_UP:]))


class _Probe:
    """Forward and backward pass through depthwise and pointwise convolutions with their norms, in one layout."""

    def __init__(
        self,
        layout: torch.memory_format,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        layers: list[nn.Module] = []
        for kernel, dilation in KERNELS:
            padding = dilation * (kernel - 1) // 2
            layers += [
                nn.Conv2d(CHANNELS, CHANNELS, kernel, 1, padding, dilation, groups=CHANNELS, bias=False),
                nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False),
                nn.BatchNorm2d(CHANNELS),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers).to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.maps = torch.zeros(BATCH, CHANNELS, SIDE, SIDE, device=device).contiguous(memory_format=layout)
        self.autocast = autocast

    def __call__(self) -> float:
        """Seconds."""
        began = time.perf_counter()
        with self.autocast():
            total = self.layers(self.maps).float().sum()
        total.backward()
        float(next(self.layers.parameters()).grad.flatten()[0])  # a GPU has to be done
        return time.perf_counter() - began
