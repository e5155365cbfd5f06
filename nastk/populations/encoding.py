"""Positions in the continuous encoding of a sub-space, as a codec (`space.codec(mask)`) has it.

Legend: D dimensions of the encoding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nastk.genotype import Genotype
from nastk.spaces.space import Codec


def draw(codec: Codec, num: int, generator: torch.Generator) -> Tensor:
    """Uniform in the box [0, upper]: float64 [num, D]."""
    return torch.rand(num, len(codec.upper), dtype=torch.float64, generator=generator) * upper(codec)


def upper(codec: Codec) -> Tensor:
    """The upper bound of every dimension, float64 [D]; the lower one is 0."""
    return torch.tensor(codec.upper, dtype=torch.float64)


def decode(codec: Codec, position: Tensor) -> Genotype:
    """The genotype at a position [D]."""
    return codec.decode(position.tolist())
