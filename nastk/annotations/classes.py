"""The classes of all parts of a data set: the same ones in the same order, and how many objects each has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nastk.annotations.sets import BoxedImages
from nastk.data.files import printable
from nastk.data.parts import Part
from nastk.shown import one_line
from nastk.wording import counted

_SHOWN = 5  # classes that a note names


def with_common_classes(parts: Mapping[Part, BoxedImages]) -> dict[Part, BoxedImages]:
    """The parts with the training images' classes, and behind them those that only others know.

    Classes are the same where their names are, whatever numbers a file gives them. Parts get a note where they
    have objects of classes that no training image has; ValueError where a part has no class in common with the
    training images, or nothing at all is to be learned.
    """
    training = parts["train"]
    learned = _with_objects(training)
    if not learned:
        raise ValueError(f"{printable(training.place)} has no object: there is nothing to learn")
    classes = _all_classes(list(_in_order(parts).values()))
    aligned: dict[Part, BoxedImages] = {}
    for name, part in _in_order(parts).items():
        found = _with_objects(part)
        unseen = [which for which in found if which not in learned]
        if found and len(unseen) == len(found):
            raise ValueError(
                f"{printable(part.place)} has no class in common with {printable(training.place)}: "
                f"{_some(found)} there, {_some(learned)} here"
            )
        aligned[name] = _relabelled(part, classes)
        if unseen:
            num = counted(len(unseen), "class", "classes")
            note = f"{printable(part.place)} has objects of {num} that no training image has: {_some(unseen)}"
            aligned[name] = replace(aligned[name], notes=(*part.notes, note))
    return aligned


def together(place: Path, several: Sequence[BoxedImages]) -> BoxedImages:
    """The images of several sets as those of one, with all their classes."""
    classes = _all_classes(several)
    images = (image for one in several for image in _relabelled(one, classes).images)
    return BoxedImages(
        place, classes, tuple(images), notes=tuple(note for one in several for note in one.notes)
    )


def counts_text(parts: Mapping[Part, BoxedImages]) -> str:
    """A line a class with the number of its objects in every part, below a line with those of the parts, for
    printing. parts: with their classes in common."""
    shown = _in_order(parts)
    counts = np.stack([part.counts() for part in shown.values()])
    head = ", ".join(
        f"{name} {counted(len(part.images), 'image')} with {counted(int(row.sum()), 'object')} "
        f"of {counted(int((row > 0).sum()), 'class', 'classes')}"
        for (name, part), row in zip(shown.items(), counts, strict=True)
    )
    classes = shown["train"].classes
    names = [one_line(name, 40) for name in classes]
    width = max(map(len, names))
    lines = [
        f"  {name:<{width}}  "
        + "  ".join(f"{part} {number:>6,}" for part, number in zip(shown, column, strict=True))
        for name, column in zip(names, counts.T, strict=True)
        if column.any()
    ]
    absent = [name for name, column in zip(names, counts.T, strict=True) if not column.any()]
    if absent:
        lines.append(f"  no object of {counted(len(absent), 'class', 'classes')}: {_some(absent)}")
    return "\n".join([head, *lines])


def _all_classes(several: Sequence[BoxedImages]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in several for name in one.classes))


def _relabelled(part: BoxedImages, classes: tuple[str, ...]) -> BoxedImages:
    """With the classes of that order, which has all of its own."""
    numbers = np.array([classes.index(name) for name in part.classes], np.int64)
    images = tuple(replace(image, labels=numbers[image.labels]) for image in part.images)
    return replace(part, classes=classes, images=images)


def _in_order(parts: Mapping[Part, BoxedImages]) -> dict[Part, BoxedImages]:
    order: tuple[Part, ...] = ("train", "validation", "test")
    return {name: parts[name] for name in order if name in parts}


def _with_objects(part: BoxedImages) -> list[str]:
    return [name for name, number in zip(part.classes, part.counts(), strict=True) if number]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(one_line(name, 40) for name in names[:_SHOWN]) + more
