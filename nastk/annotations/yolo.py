"""YOLO's txt: a file an image, a line an object: its class, and its centre and size as parts of the image's sides.

An image without a file has no object. A yaml beside them names the classes and says where the parts are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nastk.annotations.boxes import Described, boxed_image
from nastk.annotations.image_files import Size, Sizes, image_paths, known_sizes, read_sizes
from nastk.annotations.review import Review
from nastk.annotations.sets import BoxedImages
from nastk.data.files import is_there, printable, read_text
from nastk.data.formats import EXTENSIONS
from nastk.data.parts import Part
from nastk.shown import shown
from nastk.yaml_text import read_yaml

_MOST = 2**24  # bytes of a yaml or of one image's file
_KEYS: Mapping[str, Part] = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}
_ROUNDING = 1e-2  # by which a part may be more than the whole: how far boxes may go is said elsewhere


@dataclass(frozen=True)
class Description:
    """A data set's yaml. parts: the folders, or lists of files, of every part."""

    path: Path
    classes: tuple[str, ...]
    parts: Mapping[Part, tuple[Path, ...]]


def read_description(path: Path, within: Path | None = None) -> Description:
    """within: the folder that nothing may lead out of (a stranger's archive). ValueError, in one line."""
    text = read_text(path, _MOST)
    try:
        content = read_yaml(text)
        if not isinstance(content, dict) or "names" not in content:
            raise ValueError("no description of a YOLO data set: it has no names")
        classes = _classes(content)
        parts = {
            part: tuple(_place(path, content, entry, within) for entry in _entries(key, content[key]))
            for key, part in _KEYS.items()
            if content.get(key)
        }
    except ValueError as error:
        raise ValueError(f"{printable(path)}: {error}") from None
    return Description(path, classes, parts)


def read_yolo(
    place: Path, images: Sequence[str], classes: tuple[str, ...], sizes: Sizes = read_sizes
) -> BoxedImages:
    """images: the paths of one part's images. Raises ValueError, in one line with the first faulty items, for
    whatever is wrong."""
    if not images:
        raise ValueError(f"{printable(place)} has no image ({', '.join(EXTENSIONS)})")
    files = [labels_of(path) for path in images]
    if not any(map(is_there, files)):
        raise ValueError(
            f"{printable(place)}: none of its images has a file of labels (looked for {printable(files[0])})"
        )
    review = Review(place)
    found = []
    for path, file, size in zip(images, files, known_sizes(images, sizes, review), strict=True):
        if size is None:
            continue
        objects: list[Described] = []
        try:
            lines = read_text(file, _MOST).splitlines() if is_there(file) else []
        except ValueError as error:
            review.fault(f"image {printable(path)}", str(error))
            continue
        for number, line in enumerate(lines, start=1):
            where = f"line {number} of {printable(file)}"
            try:
                objects += _described(line, where, size, classes)
            except ValueError as error:
                review.fault(where, str(error))
        found.append(boxed_image(path, size, path, objects, 0, review))
    review.refuse()
    return BoxedImages(place, classes, tuple(found), notes=review.notes())


def images_of(places: Sequence[Path], within: Path | None = None) -> list[str]:
    """The images of folders and of lists, in which a line is a path. within: as of `read_description`."""
    return sorted({path for place in places for path in _images_of(place, within)})


def labels_of(image: str) -> str:
    """Where an image's objects are: beside it, or in a folder labels where the image's is called images."""
    path = PurePosixPath(Path(image).as_posix()).with_suffix(".txt")
    folders = list(path.parts[:-1])
    for number in reversed(range(len(folders))):
        if folders[number].lower() == "images":
            folders[number] = "labels"
            break
    return str(Path(*folders, path.name))


def _described(line: str, where: str, size: Size, classes: Sequence[str]) -> Iterator[Described]:
    """The line's object, unless it is empty."""
    words = line.split()
    if not words:
        return
    if len(words) != 5:
        raise ValueError(f"expected a class and 4 numbers, found {shown(line.strip())}")
    if not words[0].isdecimal() or int(words[0]) >= len(classes):
        raise ValueError(f"expected a class from 0 to {len(classes) - 1}, found {shown(words[0])}")
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        numbers = [math.nan]
    if not all(0 <= number <= 1 + _ROUNDING for number in numbers):
        raise ValueError(
            f"expected centre and size as parts of the image's sides, from 0 to 1, found {shown(line.strip())}"
        )
    across, down, wide, high = numbers
    height, width = size
    box = (
        (across - wide / 2) * width,
        (down - high / 2) * height,
        (across + wide / 2) * width,
        (down + high / 2) * height,
    )
    yield Described(where, box, int(words[0]))


def _classes(content: Mapping[str, Any]) -> tuple[str, ...]:
    names = content["names"]
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            raise ValueError(f"names: expected the numbers from 0 on, found {shown(list(names))}")
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise ValueError(f"names: expected a list of classes, found {shown(names)}")
    classes = tuple(str(name) for name in names)  # some are numbers, or words that YAML takes for others
    if len(set(classes)) < len(classes):
        raise ValueError("names: a class is given twice")
    number = content.get("nc")
    if number is not None and number != len(classes):
        raise ValueError(f"nc is {shown(number)}, but there are {len(classes)} names")
    return classes


def _entries(key: str, value: Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) for entry in entries):
        raise ValueError(f"{key}: expected a folder or a list of images, found {shown(value)}")
    return entries


def _place(path: Path, content: Mapping[str, Any], entry: str, within: Path | None) -> Path:
    """Where an entry is: below `path`, if the yaml names one, or beside the yaml; many programs write "../train"
    for what lies beside it."""
    root = content.get("path") or ""
    if not isinstance(root, str):
        raise ValueError(f"path: expected a folder, found {shown(root)}")
    beside = path.parent
    places = [beside / root / entry, beside / entry, beside / entry.removeprefix("../")]
    for place in places:
        found = Path(os.path.normpath(place))
        if is_there(found) and (within is None or found.is_relative_to(within)):
            return found
    looked = ", ".join(dict.fromkeys(printable(os.path.normpath(place)) for place in places))
    raise ValueError(f"{printable(entry)} is not there (looked for {looked})")


def _images_of(place: Path, within: Path | None) -> Iterator[str]:
    if place.suffix.lower() != ".txt":
        yield from image_paths(place)
        return
    for number, line in enumerate(read_text(place).splitlines(), start=1):
        if not line.strip():
            continue
        path = os.path.normpath(place.parent / line.strip())
        if within is not None and not Path(path).is_relative_to(within):
            raise ValueError(
                f"{printable(place)}, line {number}: {printable(line.strip())} lies outside of the archive"
            )
        yield path
