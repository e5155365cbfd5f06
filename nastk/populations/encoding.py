"""Positions in the continuous encoding of a sub-space, as a codec (`space.codec(mask)`) has it.

Legend: D dimensions of the encoding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nastk.genotype import Genotype


def draw(codec: Any, num: int, generator: torch.Generator) -> Tensor:
    """Uniform in the box [0, upper]: float64 [num, D]."""
    return torch.rand(num, len(codec.upper), dtype=torch.float64, generator=generator) * upper(codec)


def upper(codec: Any) -> Tensor:
    """The upper bound of every dimension, float64 [D]; the lower one is 0."""
    return torch.tensor(codec.upper, dtype=torch.float64)


def decode(codec: Any, position: Tensor) -> Genotype:
    """The genotype at a position [D]."""
    genotype: Genotype = codec.decode(position.tolist())
    return genotype
