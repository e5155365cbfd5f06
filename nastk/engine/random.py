"""Random streams: one seeded generator a purpose, so that a new draw in one place moves nothing elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Those of PyTorch's functions that torchvision draws by, without a way to hand a generator over.
_DRAWING = {torch.rand, torch.randint, torch._sample_dirichlet}


class Streams:
    """The named random generators of a run; nothing in nastk draws from a global generator.

    A stream's seed depends on the run's seed and the stream's name only, not on which other streams
    exist. Streams are made when first asked for, on the CPU unless another device is named.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._prefix = ""
        self._generators: dict[str, torch.Generator] = {}

    def __getitem__(self, name: str) -> torch.Generator:
        return self.on("cpu", name)

    def on(self, device: torch.device | str, name: str) -> torch.Generator:
        """The stream called `name`, on `device`."""
        name = self._prefix + name
        known = self._generators.get(name)
        assert known is None or known.device.type == torch.device(device).type, name
        if known is None:
            self._generators[name] = torch.Generator(device).manual_seed(self._seed_of(name))
        return self._generators[name]

    def fresh(self, name: str) -> torch.Generator:
        """A generator on the CPU that stands at the beginning of the stream `name`: the same draws at every call."""
        return torch.Generator().manual_seed(self._seed_of(self._prefix + name))

    def part(self, name: str) -> Streams:
        """The streams of a part of the run, kept with the others: what happens elsewhere moves nothing in it."""
        part = Streams(self.seed)
        part._prefix = f"{self._prefix}{name}/"
        part._generators = self._generators
        return part

    def _seed_of(self, name: str) -> int:
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:7], "big")

    def state_dict(self) -> dict[str, Tensor]:
        return {name: generator.get_state() for name, generator in sorted(self._generators.items())}

    def load_state_dict(self, state: dict[str, Tensor], device: torch.device | str = "cpu") -> None:
        """Go on where `state` was taken; `device` is where streams that are not on the CPU live."""
        assert not self._prefix, "a part's streams are loaded with the whole run's"
        self._generators.clear()  # in place: parts share it
        for name, values in state.items():
            on_cpu = values.numel() == torch.Generator().get_state().numel()
            self.on("cpu" if on_cpu else device, name).set_state(values)


class DrawingFrom(TorchFunctionMode):
    """In this block others' code that would draw from PyTorch's global generator draws from `generator`, a CPU's.

    In this thread alone, and nothing is put back afterwards, for the global generator is not touched.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: tuple[Any, ...] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(options or {})
        if function in _DRAWING:
            options["generator"] = self._generator
        return function(*arguments, **options)
