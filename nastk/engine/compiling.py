"""Compiling a network a region at a time: regions that are alike share one compilation, which keeps a start short.

Compiled are whole batches of training steps. Whatever else comes (a short last batch, a test) runs as it is, since for
every other shape it would be compiled anew. The optimisers' steps are no part of it.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

BACKEND = "inductor"
MOST = 128  # compilations of one network; beyond it PyTorch raises an error


class Compiled:
    """`function`, compiled for batches of `batch_size` images in training; a module that it takes is its argument.

    So copies of a network can share one of these, each with its own weights. On CUDA every call is a graph that is
    captured once and replayed.
    """

    def __init__(self, function: Callable[..., Any], batch_size: int, device: torch.device) -> None:
        self.batch_size = batch_size
        self.on_cuda = device.type == "cuda"
        compile: Any = torch.compile  # whose types do not know the last two
        self.function: Callable[..., Any] = compile(
            function,
            fullgraph=True,
            dynamic=False,
            backend=BACKEND,
            mode="reduce-overhead" if self.on_cuda else None,
            recompile_limit=MOST,
            isolate_recompiles=True,
        )

    def for_batch(self, images: Tensor) -> Callable[..., Any] | None:
        """What runs a forward pass on these images, which begins now; None: nothing compiled does."""
        if len(images) != self.batch_size or not torch.is_grad_enabled():
            return None
        if self.on_cuda:
            torch.compiler.cudagraph_mark_step_begin()
        return self.function


@functools.cache
def check_compiler(device: torch.device) -> None:
    """ValueError, in one line, where PyTorch cannot compile for the device: a trifle is."""
    if "isolate_recompiles" not in inspect.signature(torch.compile).parameters:
        raise ValueError(
            f"engine.compile: PyTorch {torch.__version__} cannot keep compilations of many regions apart; "
            "PyTorch 2.14 can"
        )
    unknown = float(time.time_ns())  # no other program has compiled this, so that nothing is found ready
    try:
        torch.compile(lambda x: x * unknown, backend=BACKEND, dynamic=False)(torch.ones(64, device=device))
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()]
        # PyTorch's own errors begin with the name of their backend.
        reason = next((line for line in lines if line and not line.endswith("raised:")), type(error).__name__)
        needs = "a C++ compiler" if device.type == "cpu" else "Triton and a GPU that it knows"
        raise ValueError(
            f"engine.compile: PyTorch cannot compile here, for which it needs {needs}: {reason[:200]}"
        ) from None


@contextmanager
def fixed(module: nn.Module) -> Iterator[None]:
    """The module's parameters need no gradient in this block, nor by a graph that is made in it.

    What is compiled computes the gradients of all its inputs that need one, whoever asks for which.
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
