"""Where and how tensors are computed: device, precision, memory layout, threads."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import torch
from torch import nn

from nastk.engine.compiling import Compiled, check_compiler
from nastk.engine.layout import LAYOUTS, fastest_layout
from nastk.engine.random import Streams
from nastk.engine.recomputation import set_recomputing
from nastk.engine.signals import StopRequest
from nastk.schema import EngineConfig
from nastk.wording import counted

M = TypeVar("M", bound=nn.Module)

# Read by cuBLAS as it starts: workspaces of a fixed size, without which its sums may be added up in any order.
CUBLAS, FIXED_WORKSPACES = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


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
        self.deterministic = config.deterministic
        self.compile = config.compile
        self.recompute = config.recompute
        self._layout = config.layout
        if config.threads:
            _check_threads(config.threads)
        self.threads = config.threads
        self.streams = Streams(seed)
        self.stop = StopRequest()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """PyTorch computes with this engine's threads, precision and algorithms in this block, and as before behind it.

        Its global generator, of which layers draw when they are made, stands as before, too.
        """
        threads = torch.get_num_threads()
        generator = torch.random.get_rng_state()
        try:
            if self.threads:
                torch.set_num_threads(self.threads)
            with self._cuda_in_force() if self.device.type == "cuda" else nullcontext():
                yield
        finally:
            torch.set_num_threads(threads)
            torch.random.set_rng_state(generator)

    @contextmanager
    def _cuda_in_force(self) -> Iterator[None]:
        """TF32 if that is the precision; cuDNN's convolutions are timed at their first use and the fastest is taken, or
        only what always gives the same bits. (A CPU does that without being asked.)"""
        cudnn: Any = torch.backends.cudnn
        tf32 = torch.get_float32_matmul_precision(), cudnn.allow_tf32
        timed, same = cudnn.benchmark, cudnn.deterministic
        all_same = torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        workspaces = os.environ.get(CUBLAS)
        try:
            _allow_tf32(self.precision == "tf32")
            cudnn.benchmark = not self.deterministic
            if self.deterministic:
                cudnn.deterministic = True
                torch.use_deterministic_algorithms(True)
                os.environ[CUBLAS] = FIXED_WORKSPACES
            yield
        finally:
            torch.set_float32_matmul_precision(tf32[0])
            cudnn.allow_tf32 = tf32[1]
            cudnn.benchmark, cudnn.deterministic = timed, same
            torch.use_deterministic_algorithms(all_same, warn_only=warn_only)
            if workspaces is None:
                os.environ.pop(CUBLAS, None)
            else:
                os.environ[CUBLAS] = workspaces

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

    @property
    def layout(self) -> torch.memory_format:
        """Of weights and maps. Chosen by a probe on CUDA, unless a resumed run has to choose as its first part did."""
        if self._layout == "auto":
            timed = self.device.type == "cuda" and not self.deterministic
            self._layout = fastest_layout(self.device, self.precision) if timed else "channels_last"
        return LAYOUTS[self._layout]

    def place(self, module: M) -> M:
        """The module on the device, in the engine's layout: its weights and, which come channels-last, its inputs.

        It recomputes what it can if the engine says so.
        """
        placed: M = module.to(device=self.device, memory_format=self.layout)  # type: ignore[call-overload]
        if self.layout is torch.contiguous_format:
            placed.register_forward_pre_hook(_to_contiguous)
        set_recomputing(placed, self.recompute)
        return placed

    def compiled(self, function: Callable[..., Any], batch_size: int) -> Compiled:
        """What compiles the function for training steps on whole batches; ValueError where PyTorch cannot."""
        check_compiler(self.device)
        return Compiled(function, batch_size, self.device)

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
            return f"{torch.cuda.get_device_name()} ({self.precision}, {self._layout})"
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


def _to_contiguous(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """A module's inputs with maps [N, C, H, W] as NCHW: copied, because those of one channel count as both."""
    return tuple(
        value.clone(memory_format=torch.contiguous_format)
        if isinstance(value, torch.Tensor) and value.dim() == 4
        else value
        for value in inputs
    )


def _allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
