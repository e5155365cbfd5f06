"""Blocks: what the networks of a space are made of, each with the choice that puts it there.

What a network costs (parameters, MACs, time) is the sum over its blocks, so that of any genotype it can be
added up without building anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

Shape = tuple[int, int, int]  # C, H, W


@dataclass(frozen=True)
class NetworkSettings:
    """Of a network what is not its genotype's. image_size: (H, W)."""

    init_channels: int
    num_cells: int
    num_classes: int
    channels_in: int
    image_size: tuple[int, int]
    stem: str = "cifar"

    @property
    def image_shape(self) -> Shape:
        return (self.channels_in, *self.image_size)


@dataclass(frozen=True)
class Block:
    """One module of a network. Blocks of the same kind are alike: the same module for inputs of the same shapes.

    kind: in words, as a table of latencies names it. choice: the (decision, option) that it is there for;
    None: it is in every network. build: makes the module. shapes: [C, H, W] of each of its inputs.
    """

    kind: str
    choice: tuple[int, int] | None
    build: Callable[[], nn.Module]
    shapes: tuple[Shape, ...]


def shape_words(shape: Shape) -> str:
    """36x32x32."""
    return "x".join(map(str, shape))
