"""Random streams: one seeded generator a purpose, so that a new draw in one place moves nothing elsewhere."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


class Streams:
    """The named random generators of a run; nothing in nastk draws from a global generator.

    A stream's seed depends on the run's seed and the stream's name only, not on which other streams
    exist. Streams are made when first asked for, on the CPU unless another device is named.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        return self.on("cpu", name)

    def on(self, device: torch.device | str, name: str) -> torch.Generator:
        """The stream called `name`, on `device`."""
        known = self._generators.get(name)
        assert known is None or known.device.type == torch.device(device).type, name
        if known is None:
            digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
            self._generators[name] = torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))
        return self._generators[name]

    def state_dict(self) -> dict[str, Tensor]:
        return {name: generator.get_state() for name, generator in sorted(self._generators.items())}

    def load_state_dict(self, state: dict[str, Tensor], device: torch.device | str = "cpu") -> None:
        """Go on where `state` was taken; `device` is where streams that are not on the CPU live."""
        self._generators = {}
        for name, values in state.items():
            on_cpu = values.numel() == torch.Generator().get_state().numel()
            self.on("cpu" if on_cpu else device, name).set_state(values)
