"""A set of images in one line, as it is told when it has been loaded."""

from __future__ import annotations

from nastk.data.files import printable
from nastk.data.images import ImageSet
from nastk.schema import DataConfig
from nastk.wording import counted

_CLASSES = 4  # so many are named; of more the first two and the last
_LONGEST = 24  # characters of a class's name
_UNEQUAL = 2  # times the images of the smallest class, from which on the largest one's number is worth a note


def describe(images: ImageSet, config: DataConfig, *more: str) -> str:
    """ "data: 2,000 images of 10 classes (airplane, automobile, ... truck), 32x32 colour; ...".

    images: the training set. more: on the other parts.
    """
    channels, height, width = images.shape
    found = (
        f"data: {how_many(images, config.max_train, 'data.max_train', 'image')} of "
        f"{counted(len(images.classes), 'class', 'classes')} ({_shortened(images.classes)}), "
        f"{height}x{width} {'grey' if channels == 1 else 'colour'}"
    )
    return "; ".join([found, *more])


def how_many(images: ImageSet, most: int | None, key: str, noun: str = "") -> str:
    """ "2,000 of 50,000 (data.max_train)", with the noun behind the last number. most: the value of `key`."""
    total = images.num_images if images.num_found is None else images.num_found
    number = counted(total, noun) if noun else f"{total:,}"
    if images.num_images == total:
        return number
    why = f" ({key})" if most is not None and most < total else ""
    return f"{images.num_images:,} of {number}{why}"


def unequal_classes(images: ImageSet) -> str | None:
    """For the user, where classes have unequally many training images; None where they do not."""
    numbers = images.labels.bincount(minlength=len(images.classes)).tolist()
    least, most = min(numbers), max(numbers)
    if most < _UNEQUAL * least:
        return None
    smallest, largest = (_short(images.classes[numbers.index(number)]) for number in (least, most))
    return (
        f"classes are unequal: {counted(most, 'training image')} of {largest}, {least:,} of {smallest}; see the "
        "balanced accuracy (train.class_weights=balanced weighs all classes alike)"
    )


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."


def _shortened(classes: tuple[str, ...]) -> str:
    names = [*map(_short, classes)]
    if len(names) > _CLASSES:
        names = [*names[:2], f"... {names[-1]}"]
    return ", ".join(names)
