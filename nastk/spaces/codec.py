"""Continuous encodings: a value in a box for every choice, decoded by truncation.

A value v in [0, upper] with k choices means choice ceil(v k / upper) - 1, and 0 means
choice 0: the intervals are (i, i + 1] upper / k, so the clipped upper bound is the last choice.
Without a mask k = upper, which is the truncation of RelativeNAS (arXiv 2009.06193, section III-A); a
mask re-partitions the interval over what it allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from nastk.genotype import Genotype
from nastk.spaces.decision import Decision, Path
from nastk.spaces.mask import Mask


class OfOptions(Protocol):
    """A space whose architectures are any options of its decisions, each for itself."""

    @property
    def decisions(self) -> tuple[Decision, ...]: ...

    def genotype(self, options: Sequence[int]) -> Genotype:
        """The genotype of one option a decision, by index [D]."""
        ...

    def path(self, genotype: Genotype) -> Path:
        """One pair a decision, in their order."""
        ...


class OptionCodec:
    """Between vectors of reals [D], one a decision, and the genotypes of `space` under `mask`.

    upper: the upper bound of each dimension (the lower is 0): the number of the decision's options.
    """

    def __init__(self, space: OfOptions, mask: Mask) -> None:
        self.space = space
        self.mask = mask
        self.upper: tuple[int, ...] = tuple(len(decision.options) for decision in space.decisions)

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector [D] within the box."""
        values = zip(self.mask.allowed, vector, self.upper, strict=True)
        return self.space.genotype([choose(row, value, upper) for row, value, upper in values])

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of the box that decodes to `genotype`; ValueError if the mask forbids it."""
        vector = []
        for decision, option in self.space.path(genotype):
            row = self.mask.allowed[decision]
            if option not in row:
                raise outside(self.space.decisions[decision])
            vector.append(centre(row, option, self.upper[decision]))
        return vector


def choose(options: Sequence[int], value: float, upper: int) -> int:
    """The option that a value in [0, upper] means."""
    # Without a mask the value is used as it is: scaling by k / upper = 1 would only add rounding.
    scaled = value if len(options) == upper else value * len(options) / upper
    return options[min(max(math.ceil(scaled) - 1, 0), len(options) - 1)]


def centre(options: Sequence[int], choice: int, upper: int) -> float:
    """The middle of the values in [0, upper] that mean `choice`."""
    return (options.index(choice) + 0.5) * upper / len(options)


def outside(decision: Decision) -> ValueError:
    """The error of a genotype whose choice the mask forbids."""
    return ValueError(f"the genotype is outside the sub-space at {decision}")
