"""The classes of all parts of a data set: the same ones in the same order, and how many objects or pixels each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from nastk.annotations.sets import BoxedImages
from nastk.data.files import printable
from nastk.data.parts import Part
from nastk.shown import one_line
from nastk.wording import counted

_SHOWN = 5  # classes that a note names
_LONGEST = 40  # characters of a class's name

T = TypeVar("T")


class Counted(Protocol):
    """Annotated images of any kind, of one part. counts: int64 [K], objects or pixels of each class."""

    @property
    def place(self) -> Path: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def images(self) -> Sequence[object]: ...
    def counts(self) -> np.ndarray: ...


def with_common_classes(parts: Mapping[Part, BoxedImages]) -> dict[Part, BoxedImages]:
    """The parts with the training images' classes, and behind them those that only others know.

    Classes are the same where their names are, whatever numbers a file gives them. Raises and notes what
    `unlearned` does.
    """
    classes = _all_classes(list(_in_order(parts).values()))
    aligned = {name: _relabelled(part, classes) for name, part in _in_order(parts).items()}
    return {
        name: replace(part, notes=(*part.notes, *unlearned(part, aligned["train"])))
        for name, part in aligned.items()
    }


def unlearned(part: Counted, training: Counted) -> tuple[str, ...]:
    """A note where a part has something of classes that no training image has.

    ValueError where it has no class in common with the training images, or these have nothing at all.
    """
    learned, found = _there(training), _there(part)
    if not learned:
        raise ValueError(f"{printable(training.place)} has nothing of any class: there is nothing to learn")
    unseen = [name for name in found if name not in learned]
    if found and len(unseen) == len(found):
        raise ValueError(
            f"{printable(part.place)} has no class in common with {printable(training.place)}: "
            f"{_some(found)} there, {_some(learned)} here"
        )
    if not unseen:
        return ()
    num = counted(len(unseen), "class", "classes")
    return (f"{printable(part.place)} has something of {num} that no training image has: {_some(unseen)}",)


def together(place: Path, several: Sequence[BoxedImages]) -> BoxedImages:
    """The images of several sets as those of one, with all their classes."""
    classes = _all_classes(several)
    images = (image for one in several for image in _relabelled(one, classes).images)
    return BoxedImages(
        place, classes, tuple(images), notes=tuple(note for one in several for note in one.notes)
    )


def counts_text(parts: Mapping[Part, Counted], noun: str = "object") -> str:
    """A line a class with its number in every part, below a line with those of the parts, for printing.

    parts: with their classes in common. noun: what is counted.
    """
    shown = _in_order(parts)
    counts = np.stack([part.counts() for part in shown.values()])
    head = ", ".join(
        f"{name} {counted(len(part.images), 'image')} with {counted(int(row.sum()), noun)} "
        f"of {counted(int((row > 0).sum()), 'class', 'classes')}"
        for (name, part), row in zip(shown.items(), counts, strict=True)
    )
    names = [one_line(name, _LONGEST) for name in shown["train"].classes]
    wide, digits = max(map(len, names)), len(f"{counts.max():,}")
    lines = []
    for name, column in zip(names, counts.T, strict=True):
        if column.any():
            numbers = (f"{part} {number:>{digits},}" for part, number in zip(shown, column, strict=True))
            lines.append(f"  {name:<{wide}}  {'  '.join(numbers)}")
    absent = [name for name, column in zip(names, counts.T, strict=True) if not column.any()]
    if absent:
        lines.append(f"  no {noun} of {counted(len(absent), 'class', 'classes')}: {_some(absent)}")
    return "\n".join([head, *lines])


def _all_classes(several: Sequence[BoxedImages]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in several for name in one.classes))


def _relabelled(part: BoxedImages, classes: tuple[str, ...]) -> BoxedImages:
    """With the classes of that order, which has all of its own."""
    numbers = np.array([classes.index(name) for name in part.classes], np.int64)
    images = tuple(replace(image, labels=numbers[image.labels]) for image in part.images)
    return replace(part, classes=classes, images=images)


def _in_order(parts: Mapping[Part, T]) -> dict[Part, T]:
    order: tuple[Part, ...] = ("train", "validation", "test")
    return {name: parts[name] for name in order if name in parts}


def _there(part: Counted) -> list[str]:
    return [name for name, number in zip(part.classes, part.counts(), strict=True) if number]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(one_line(name, _LONGEST) for name in names[:_SHOWN]) + more
