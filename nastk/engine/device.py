"""Where and how tensors are computed: device, precision, memory layout, threads."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import nn

from nastk.engine.random import Streams
from nastk.engine.signals import StopRequest
from nastk.schema import EngineConfig
from nastk.wording import counted

M = TypeVar("M", bound=nn.Module)


class Engine:
    """The device with its precision and layout, the run's random streams, and the request to stop.

    Raises ValueError for CUDA without a CUDA device, for precisions that a CPU cannot do, and for more threads
    than the system lets this process have. (A GPU that knows no TF32 computes in fp32.)
    """

    def __init__(self, config: EngineConfig, seed: int) -> None:
        if config.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("engine.device: no CUDA device is available; use --device cpu")
        name = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        if name == "cpu" and config.precision != "fp32":
            raise ValueError(
                f"engine.precision: {config.precision} is for CUDA only; the CPU computes in fp32"
            )
        self.device = torch.device(name)
        self.precision = config.precision
        if config.threads:
            _check_threads(config.threads)
        self.threads = config.threads
        self.streams = Streams(seed)
        self.stop = StopRequest()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """PyTorch computes with this engine's threads and precision in this block, and as before behind it.

        Its global generator, of which layers draw when they are made, stands as before, too.
        """
        threads = torch.get_num_threads()
        tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        generator = torch.random.get_rng_state()
        try:
            if self.threads:
                torch.set_num_threads(self.threads)
            if self.device.type == "cuda":
                _allow_tf32(self.precision == "tf32")
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_float32_matmul_precision(tf32[0])
            torch.backends.cudnn.allow_tf32 = tf32[1]
            torch.random.set_rng_state(generator)

    def part(self, name: str) -> Engine:
        """The same engine for a part of the run, with random streams of its own."""
        part = copy.copy(self)
        part.streams = self.streams.part(name)
        return part

    def apart(self) -> Engine:
        """The same engine for a trial, with random streams that are in no checkpoint."""
        trial = copy.copy(self)
        trial.streams = Streams(self.streams.seed)
        return trial

    def place(self, module: M) -> M:
        """The module on the device, its weights channels-last, as the images are: convolutions like it."""
        return module.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def autocast(self) -> AbstractContextManager[object]:
        if self.precision == "bf16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    @contextmanager
    def full_precision(self) -> Iterator[None]:
        """fp32 for once, whatever the run's precision: for differences of nearly equal numbers."""
        try:
            if self.precision == "tf32":
                _allow_tf32(False)
            with torch.autocast(self.device.type, enabled=False):
                yield
        finally:
            if self.precision == "tf32":
                _allow_tf32(True)

    def describe(self) -> str:
        if self.device.type == "cuda":
            return f"{torch.cuda.get_device_name()} ({self.precision})"
        return f"cpu, {counted(torch.get_num_threads(), 'thread')}"


def _check_threads(num: int) -> None:
    """ValueError if there cannot be `num` threads: where PyTorch's cannot be started, they end the process.

    As many as there are cores are taken to be possible; more are tried.
    """
    if num <= (os.cpu_count() or 1):
        return
    enough = threading.Event()
    started = []
    try:
        for _ in range(num - 1):  # this one is there already
            thread = threading.Thread(target=enough.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:  # "can't start new thread"
        raise ValueError(
            f"engine.threads: expected at most {len(started) + 1}, which is what the system lets this process "
            f"have, found {num}"
        ) from None
    finally:
        enough.set()
        for thread in started:
            thread.join()


def _allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
