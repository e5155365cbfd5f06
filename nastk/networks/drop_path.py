"""Drop path: during training whole branches of single images are set to zero.

The masks of a step are drawn at once from the run's own generator and handed to the network, so
that neither a global random state nor the order of the branches' execution matters.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


def draw_masks(num: int, batch_size: int, probability: float, generator: torch.Generator) -> Tensor:
    """Masks [num, N, 1, 1, 1]: 0 with `probability`, else 1 / (1 - probability).

    On the generator's device. Source: DARTS (arXiv 1806.09055), after FractalNet.
    """
    keep = 1.0 - probability
    draws = torch.rand(num, batch_size, 1, 1, 1, generator=generator, device=generator.device)
    return (draws < keep) / keep


def is_droppable(operation: nn.Module) -> bool:
    """Every operation but the identity is subject to drop path."""
    return not isinstance(operation, nn.Identity)


def in_turn(masks: Tensor | None, maps: Tensor) -> Iterator[Tensor] | None:
    """The masks one after the other, in the type of the maps, which in bf16 a float32 mask would turn to float32.

    (A kept branch's factor 1 / (1 - probability) is then rounded as everything else is.)
    """
    return None if masks is None else iter(masks.to(maps.dtype).unbind())


def apply_operation(operation: nn.Module, x: Tensor, masks: Iterator[Tensor] | None) -> Tensor:
    """The operation's output, multiplied by the next mask if there are masks and it is droppable."""
    y: Tensor = operation(x)
    if masks is not None and is_droppable(operation):
        y = y * next(masks)
    return y
