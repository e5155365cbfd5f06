"""Pascal VOC's xml: one file an image, beside a list of those that belong to a part.

Pixels are counted from 1 there and a box ends with its last pixel, so that xmin, ymin, xmax, ymax become xmin - 1,
ymin - 1, xmax, ymax: then widths and areas are those of VOC's own evaluation, which adds the 1 there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from nastk.annotations.boxes import Described, boxed_image
from nastk.annotations.image_files import Size, Sizes, in_words, known_sizes, read_sizes
from nastk.annotations.review import Review
from nastk.annotations.sets import BoxedImages
from nastk.data.files import printable, read_bytes
from nastk.data.parts import Part
from nastk.shown import shown
from nastk.xml_text import read_xml

_MOST = 2**24  # bytes of a file, which is about one image
_SIDES = ("xmin", "ymin", "xmax", "ymax")
# The lists of a part, in ImageSets, of which the first one that there is counts.
VOC_LISTS: Mapping[Part, tuple[str, ...]] = {
    "train": ("train.txt", "trainval.txt"),
    "validation": ("val.txt",),
    "test": ("test.txt",),
}


@dataclass(frozen=True)
class _Object:
    name: str
    box: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class _Note:
    """What an xml says of an image. size: (H, W); None: not said."""

    size: Size | None
    objects: Sequence[_Object]


def read_voc(
    place: Path, files: Sequence[Path], images: Mapping[str, str], sizes: Sizes = read_sizes
) -> BoxedImages:
    """files: the xml files of one part. images: the paths of images by their names without an extension, which are
    those of the xml files. Classes are the names there are, sorted.

    Raises ValueError, in one line with the first faulty items, for whatever is wrong.
    """
    review = Review(place)
    notes: dict[Path, _Note] = {}
    for file in files:
        try:
            notes[file] = _note(read_xml(read_bytes(file, _MOST)))
        except ValueError as error:
            review.fault(printable(file.name), str(error))
        if file.stem not in images:
            review.fault(printable(file.name), "there is no image of this name")
    review.refuse()
    classes = tuple(sorted({one.name for note in notes.values() for one in note.objects}))
    labels = {name: label for label, name in enumerate(classes)}
    found = []
    known = known_sizes([images[file.stem] for file in notes], sizes, review)
    for (file, note), size in zip(notes.items(), known, strict=True):
        if size is None:
            continue
        if note.size not in (None, size):
            assert note.size is not None
            what = f"its image is {in_words(note.size)} there and {in_words(size)} in its file"
            review.fault(printable(file.name), what)
            continue
        objects = [
            Described(
                f"object {number} ({printable(one.name)}) of {printable(file.name)}",
                one.box,
                labels[one.name],
                difficult=one.difficult,
            )
            for number, one in enumerate(note.objects, start=1)
        ]
        found.append(boxed_image(images[file.stem], size, file.stem, objects, 0, review))
    review.refuse()
    return BoxedImages(place, classes, tuple(found), notes=review.notes())


def listed(path: Path) -> list[str]:
    """The names in a list of ImageSets, of which the first word of a line is one."""
    text = read_bytes(path).decode(errors="surrogateescape")
    names = [words[0] for line in text.splitlines() if (words := line.split())]
    for name in names:
        if name != os.path.basename(name):
            raise ValueError(f"{printable(path)}: expected an image's name, found {shown(name)}")
    if len(set(names)) < len(names):
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise ValueError(f"{printable(path)} has {printable(twice)} twice")
    if not names:
        raise ValueError(f"{printable(path)} is empty")
    return names


def _note(root: Element) -> _Note:
    if root.tag != "annotation":
        raise ValueError(f"expected an element annotation, found {shown(root.tag)}")
    size = root.find("size")
    height, width = (
        (int(_number(size, side, 0)) for side in ("height", "width")) if size is not None else (0, 0)
    )
    objects = []
    for number, element in enumerate(root.findall("object"), start=1):
        try:
            objects.append(_object(element))
        except ValueError as error:
            raise ValueError(f"object {number}: {error}") from None
    return _Note((height, width) if height and width else None, objects)  # some programs write 0 for both


def _object(element: Element) -> _Object:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("it has no name")
    box = element.find("bndbox")
    if box is None:
        raise ValueError(f"{printable(name)} has no bndbox")
    left, top, right, bottom = (_number(box, side) for side in _SIDES)
    difficult = _number(element, "difficult", 0)
    return _Object(name, (left - 1, top - 1, right, bottom), bool(difficult))


def _number(element: Element, name: str, default: float | None = None) -> float:
    text = element.findtext(name)
    if text is None and default is not None:
        return default
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a number, found {shown(text)}")
    return number
