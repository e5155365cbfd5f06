"""Positions in the continuous encoding of a sub-space, as a codec (`space.codec(mask)`) has it.

Legend: D dimensions of the encoding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nastk.costs.allowance import Allowance
from nastk.genotype import Genotype
from nastk.spaces.space import Codec

TRIES = 100  # uniform draws of one within the limits: where they are tight, hardly any is


def draw(codec: Codec, num: int, generator: torch.Generator) -> Tensor:
    """Uniform in the box [0, upper]: float64 [num, D]."""
    return torch.rand(num, len(codec.upper), dtype=torch.float64, generator=generator) * upper(codec)


def draw_within(codec: Codec, num: int, generator: torch.Generator, allowance: Allowance | None) -> Tensor:
    """As `draw`, but of genotypes within the limits: drawn anew until one is, or else by random strengths."""
    positions = draw(codec, num, generator)
    if allowance is None:
        return positions
    for number in range(num):
        for _ in range(TRIES):
            if allowance.excess(decode(codec, positions[number])) == 0:
                break
            positions[number] = draw(codec, 1, generator)[0]
        else:
            genotype = allowance.draw(generator)
            positions[number] = torch.tensor(codec.encode(genotype), dtype=torch.float64)
    return positions


def upper(codec: Codec) -> Tensor:
    """The upper bound of every dimension, float64 [D]; the lower one is 0."""
    return torch.tensor(codec.upper, dtype=torch.float64)


def decode(codec: Codec, position: Tensor) -> Genotype:
    """The genotype at a position [D]."""
    return codec.decode(position.tolist())
