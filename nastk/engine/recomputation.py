"""Less memory for more time: what the backward pass computes again instead of keeping it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Recomputing(nn.Module):
    """A module that keeps less for its backward pass if `recompute` says so (`set_recomputing`)."""

    recompute = False


def set_recomputing(module: nn.Module, recompute: bool) -> None:
    """Whether the parts of a module that can do so keep less."""
    for part in module.modules():
        if isinstance(part, Recomputing):
            part.recompute = recompute


@contextmanager
def computed_again(x: Tensor, function: Callable[[], Tensor]) -> Iterator[None]:
    """What is computed of x in this block keeps in place of x that function() computes it, bit for bit.

    Only what function() reads is kept then. It is called without gradients, under the autocast of now, once for
    every time that x would have been kept; what it reads must not have changed.
    """
    device, address, shape = x.device.type, x.data_ptr(), x.shape
    autocast = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)

    def keep(tensor: Tensor) -> Tensor | None:
        return None if tensor.data_ptr() == address and tensor.shape == shape else tensor

    def give(kept: Tensor | None) -> Tensor:
        if kept is not None:
            return kept
        with torch.no_grad(), torch.autocast(device, autocast[1], enabled=autocast[0]):
            return function()

    with torch.autograd.graph.saved_tensors_hooks(keep, give):
        yield
