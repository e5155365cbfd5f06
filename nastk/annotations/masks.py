"""Images with masks: a PNG an image, of the same size, whose pixels are numbers of classes.

Palettes are not looked up: what a pixel's number is counts, not its colour.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nastk.annotations.image_files import Size, Sizes, in_words, known_sizes, read_sizes
from nastk.annotations.review import Review
from nastk.annotations.sets import IGNORED, Legend, MaskedImage, MaskedImages
from nastk.data.decoding import decode_indices
from nastk.data.files import printable, read_text
from nastk.data.reading import Unreadable, attempt_all

_MOST = 2**20  # bytes of a list of classes
_SHOWN = 8  # values that a message names


@dataclass(frozen=True)
class Pair:
    """Paths of an image and of its mask, with what both are called."""

    id: str
    image: str
    mask: str


@dataclass(frozen=True)
class _Mask:
    """numbers: int64 [256], how many pixels have each value."""

    size: Size
    numbers: np.ndarray


def read_masks(
    place: Path,
    pairs: Sequence[Pair],
    legend: Legend | None,
    ignored: Collection[int] = (IGNORED,),
    sizes: Sizes = read_sizes,
) -> MaskedImages:
    """legend: what the values mean; None: each value there is, but those ignored, is a class that is called by it.

    Every mask is read. Raises ValueError, in one line with the first faulty items, for whatever is wrong.
    """
    if not pairs:
        raise ValueError(f"{printable(place)} has no image with a mask")
    review = Review(place)
    masks: dict[Pair, _Mask] = {}
    known = known_sizes([pair.image for pair in pairs], sizes, review)
    read = attempt_all(_read, [pair.mask for pair in pairs], os.cpu_count() or 1)
    for pair, size, mask in zip(pairs, known, read, strict=True):
        if isinstance(mask, Unreadable):
            review.fault(f"mask {printable(pair.mask)}", mask.reason)
        elif size is not None and mask.size != size:
            what = f"it is {in_words(mask.size)}, its image {in_words(size)}"
            review.fault(f"mask {printable(pair.mask)}", what)
        else:
            masks[pair] = mask
    review.refuse()
    if legend is None:
        legend = _legend(place, list(masks.values()), ignored)
    expected = {*legend.values, *legend.ignored}
    for pair, mask in masks.items():
        unknown = sorted(set(np.flatnonzero(mask.numbers).tolist()) - expected)
        if unknown:
            what = f"it has pixels of {_some(unknown)}, which is no class (expected {_in_words(legend)})"
            review.fault(f"mask {printable(pair.mask)}", what)
    review.refuse()
    values = list(legend.values)
    images = (
        MaskedImage(pair.image, mask.size, pair.id, pair.mask, mask.numbers[values])
        for pair, mask in masks.items()
    )
    return MaskedImages(place, legend, tuple(images))


def read_mask(image: MaskedImage, legend: Legend) -> np.ndarray:
    """uint8 [H, W]: labels 0..K-1 and IGNORED. ValueError for a file that went bad since it was looked at."""
    (values,) = attempt_all(decode_indices, [image.mask], 1)
    if isinstance(values, Unreadable):
        raise ValueError(f"cannot read {values}; it could be read when the data set was loaded")
    return legend.labels(values)


def listed_classes(path: Path, ignored: Collection[int] = (IGNORED,)) -> Legend:
    """The legend of a text with a class a line, of which the first is 0."""
    names = [line.strip() for line in read_text(path, _MOST).splitlines() if line.strip()]
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"{printable(path)}: expected a class a line, each once")
    if len(names) > IGNORED:
        raise ValueError(f"{printable(path)} has {len(names):,} classes; masks have at most {IGNORED}")
    kept = [(name, value) for value, name in enumerate(names) if value not in ignored]
    return Legend(tuple(name for name, _ in kept), tuple(value for _, value in kept), frozenset(ignored))


def _read(path: str) -> _Mask:
    values = decode_indices(path)
    return _Mask((values.shape[0], values.shape[1]), np.bincount(values.ravel(), minlength=256))


def _legend(place: Path, masks: Sequence[_Mask], ignored: Collection[int]) -> Legend:
    there = np.flatnonzero(np.stack([mask.numbers for mask in masks]).sum(axis=0)).tolist()
    values = tuple(value for value in there if value not in ignored)
    if len(values) < 2:
        without = f", {_some(sorted(ignored))} being ignored" if set(ignored) & set(there) else ""
        found = f"only the value {values[0]}" if values else "no value of a class"
        raise ValueError(
            f"{printable(place)}: its masks have {found}{without}: there is nothing to tell apart"
        )
    return Legend(tuple(map(str, values)), values, frozenset(ignored))


def _in_words(legend: Legend) -> str:
    rest = f", or {_some(sorted(legend.ignored))} for what is ignored" if legend.ignored else ""
    return f"{_some(sorted(legend.values))}{rest}"


def _some(values: Sequence[int]) -> str:
    """ "0 to 10", or the first few of those that do not follow one another."""
    if len(values) > 2 and values[-1] - values[0] == len(values) - 1:
        return f"{values[0]} to {values[-1]}"
    return ", ".join(map(str, values[:_SHOWN])) + (", ..." if len(values) > _SHOWN else "")
