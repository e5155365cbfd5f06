"""Images of more than 8 bits: which of their values become black and white.

Files do not say how many of their bits they use: a camera's 12 lie in 16, and a scientist's floats lie
anywhere. Whole numbers keep 0 as black, and white is the largest number of as many bits as the largest
value has (so that full 16 bits stay as they are). Where there are floats or values below 0, the lowest
and the highest value are black and white. One range holds for a whole data set, its test images too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Extremes:
    """The lowest and the highest value of an image; floats that are not finite do not count."""

    lowest: float
    highest: float
    floating: bool


@dataclass(frozen=True)
class ValueRange:
    """The values that become 0 and 255; beyond them, values are clipped."""

    black: float = 0
    white: float = 65535

    def to_bytes(self, values: np.ndarray) -> np.ndarray:
        """uint8 of numbers of any type, rounded to the nearest; nan is black."""
        if self.black == 0 and values.dtype.kind in "iu" and self.white == int(self.white):
            white = int(self.white)
            whole = np.clip(values.astype(np.int64), 0, white)
            return ((whole * 255 + white // 2) // white).astype(np.uint8)
        floats = np.nan_to_num(values.astype(np.float64), nan=self.black)
        share = (np.clip(floats, self.black, self.white) - self.black) / (self.white - self.black)
        return np.rint(share * 255).astype(np.uint8)


SIXTEEN_BITS = ValueRange()


def extremes_of(values: np.ndarray) -> Extremes:
    floating = values.dtype.kind == "f"
    if floating:
        values = values[np.isfinite(values)]
    if values.size == 0:
        return Extremes(0, 0, floating)
    return Extremes(values.min().item(), values.max().item(), floating)


def together(parts: Iterable[Extremes]) -> Extremes:
    """The extremes of several images, at least one."""
    lowest, highest, floating = zip(
        *((part.lowest, part.highest, part.floating) for part in parts), strict=True
    )
    return Extremes(min(lowest), max(highest), any(floating))


def value_range(extremes: Extremes) -> ValueRange:
    """The range of a set with these extremes."""
    black = min(0, extremes.lowest)
    if black == 0 and not extremes.floating:
        return ValueRange(0, 2 ** max(int(extremes.highest).bit_length(), 8) - 1)
    return ValueRange(black, extremes.highest if extremes.highest > black else float(black == 0))


def range_note(found: ValueRange) -> tuple[str, ...]:
    """What the user should know about it, if anything."""
    if found == SIXTEEN_BITS:
        return ()
    return (
        f"grey values of more than 8 bits: {found.black:,.12g} is read as black, {found.white:,.12g} as white",
    )
