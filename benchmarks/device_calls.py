"""What a job asks of its device, counted without one: on the meta device, whose tensors have shapes and no values.

Whatever is not the CPU gets the same calls from nastk, so that these are a GPU's. Only for step_calls.py and the
test of its figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nastk.engine.device import Engine
from nastk.engine.random import Streams
from nastk.engine.signals import StopRequest
from nastk.schema import EngineConfig

META = torch.device("meta")
OF_THE_DEVICE = 2**62 + 1  # the seed of what stands for the device's generators: the meta device has none
# What cannot answer before the device has computed all that was asked of it.
WAITING = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::is_nonzero",
    "aten::masked_select",
    "aten::nonzero",
    "aten::_unique2",
    "aten::repeat_interleave.Tensor",
}


@dataclass
class Count:
    """calls: of ATen that are no views, by phase. waits: names of what waits for the device. Bytes of all tensors that
    calls read and write."""

    calls: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0
    bytes_written: int = 0


class DeviceCalls(TorchDispatchMode):
    """Counts into `count` what tensors on the meta device are asked; a new Count begins with every step.

    A value that is asked for is 0; random numbers are not drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = Count()
        self.phase = "rest"
        self._answers: dict[Any, Any] = {}

    @contextmanager
    def counting(self, network: nn.Module) -> Iterator[None]:
        """Count, with the network's forward pass and all backward passes as phases of their own."""

        def phased(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                before, self.phase = self.phase, phase
                try:
                    return function(*arguments, **options)
                finally:
                    self.phase = before

            return call

        with (
            patch.object(network, "forward", phased("forward", network.forward)),
            patch.object(Tensor, "backward", phased("backward", Tensor.backward)),
            patch.object(torch.autograd, "grad", phased("backward", torch.autograd.grad)),
            self,
        ):
            yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        inputs = list(_tensors((args, kwargs)))
        generator = kwargs.get("generator")
        if generator is not None and generator.initial_seed() == OF_THE_DEVICE:
            kwargs["generator"] = None
            if "device" in kwargs:
                kwargs["device"] = META
        if not any(one.is_meta for one in inputs) and kwargs.get("device") != META:
            return func(*args, **kwargs)
        name = func._schema.name
        devices = {one.device for one in inputs if one.dim()} | ({kwargs.get("device")} - {None})
        between = len(devices) > 1
        if name in WAITING or (between and name in ("aten::_to_copy", "aten::copy_")):
            self.count.waits[name] += 1
            if name == "aten::_local_scalar_dense":
                return torch.zeros((), dtype=inputs[0].dtype).item()
            if name == "aten::equal":
                return True
            if kwargs.get("device", META) != META:  # to the CPU, of what has no values
                return torch.zeros(inputs[0].shape, dtype=kwargs.get("dtype") or inputs[0].dtype)
            if name == "aten::copy_" and not args[0].is_meta:
                return args[0]
        outputs = self._answer(func, args, kwargs)
        if not func.is_view:
            self.count.calls[self.phase] += 1
            self.count.bytes_read += sum(one.nbytes for one in inputs)
            self.count.bytes_written += sum(one.nbytes for one in _tensors(outputs))
        return outputs

    def _answer(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the call returns: shapes are worked out once, as PyTorch takes a millisecond for a convolution's."""
        if any(one.alias_info is not None for one in func._schema.arguments):
            return func(*args, **kwargs)
        asked = func, _look(args), _look(tuple(kwargs.items()))
        if asked not in self._answers:
            self._answers[asked] = _look(func(*args, **kwargs))
        return _made(self._answers[asked])


class DeviceStreams(Streams):
    """Those of the device are told by their seed."""

    def on(self, device: torch.device | str, name: str) -> torch.Generator:
        if torch.device(device) == META:
            return torch.Generator().manual_seed(OF_THE_DEVICE)
        return super().on(device, name)


class EnoughCounted(BaseException):
    """As many steps as were asked for."""


class Steps(StopRequest):
    """Calls `mark` at every batch, and after the `enough`-th of them ends what runs with EnoughCounted."""

    def __init__(self, mark: Callable[[], None], enough: int) -> None:
        super().__init__()
        self.mark = mark
        self.enough = enough
        self.num = 0

    def at_batch(self) -> None:
        self.mark()
        self.num += 1
        if self.num == self.enough:
            raise EnoughCounted


class MetaEngine(Engine):
    def full_precision(self) -> AbstractContextManager[None]:
        """As always: there is no autocast on the meta device."""
        return nullcontext()


def meta_engine(calls: DeviceCalls, enough: int) -> tuple[Engine, list[Count]]:
    """An engine on the meta device, and the counts of what is between batches, the first being what comes before."""
    counts: list[Count] = []

    def mark() -> None:
        counts.append(calls.count)
        calls.count = Count()

    engine = MetaEngine(EngineConfig(device="cpu"), seed=0)
    engine.device = META
    engine.streams = DeviceStreams(0)
    engine.stop = Steps(mark, enough)
    return engine, counts


@dataclass(frozen=True)
class Look:
    """All that a meta tensor is."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device


def _look(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Look(value.shape, value.stride(), value.dtype, value.device)
    return tuple(map(_look, value)) if isinstance(value, (list, tuple)) else value


def _made(value: Any) -> Any:
    if isinstance(value, Look):
        return torch.empty_strided(value.shape, value.strides, dtype=value.dtype, device=value.device)
    return tuple(map(_made, value)) if isinstance(value, tuple) else value


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
