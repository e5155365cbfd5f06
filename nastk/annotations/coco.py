"""COCO's json: one file of images, categories and annotations (https://cocodataset.org/#format-data).

Category ids may have gaps: labels count the categories in the order of their ids. A box is left, top, width and
height in pixels from 0.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

from nastk.annotations.boxes import Described, boxed_image
from nastk.annotations.image_files import Size, Sizes, in_words, known_sizes, read_sizes
from nastk.annotations.review import Review
from nastk.annotations.sets import BoxedImages
from nastk.data.files import is_there, printable, read_text
from nastk.data.memory import check_fits
from nastk.json_text import read_json
from nastk.shown import shown

_LISTS = ("images", "annotations", "categories")
_TIMES = 6  # bytes that a character takes once it is read

Id = int | str
JointsOf = Callable[[Mapping[str, Any]], Sequence[float]]  # of an annotation


@dataclass(frozen=True)
class Picture:
    """An image as the file knows it. size: (H, W); None: not said."""

    name: str
    size: Size | None


@dataclass(frozen=True)
class Document:
    """What a file holds, by ids, which are checked; of annotations nothing else is."""

    pictures: Mapping[Id, Picture]
    categories: Mapping[Id, Mapping[str, Any]]
    annotations: Mapping[Id, Sequence[Mapping[str, Any]]]


def read_coco(path: Path, folders: Sequence[Path], sizes: Sizes = read_sizes) -> BoxedImages:
    """folders: where its images may lie; the first one that has one of them has to have them all.

    Raises ValueError, in one line with the file and the first faulty items, for whatever is wrong.
    """
    review = Review(path)
    document = read_document(path, review)
    labels = {number: label for label, number in enumerate(document.categories)}
    classes = tuple(category["name"] for category in document.categories.values())
    objects = objects_of(document, document.annotations, labels, review)
    return boxed_images(path, folders, document.pictures, classes, objects, sizes, review)


def objects_of(
    document: Document,
    annotations: Mapping[Id, Sequence[Mapping[str, Any]]],
    labels: Mapping[Id, int],
    review: Review,
    joints_of: JointsOf = lambda _annotation: (),
) -> dict[Id, list[Described]]:
    """Those annotations that are as they should be, by image. joints_of: raises ValueError where they are not."""
    objects: dict[Id, list[Described]] = defaultdict(list)
    for image, items in annotations.items():
        for annotation in items:
            where = f"annotation {shown(annotation['id'])} of {printable(document.pictures[image].name)}"
            try:
                objects[image].append(_described(annotation, labels, where, joints_of))
            except ValueError as error:
                review.fault(where, str(error))
    return objects


def read_document(path: Path, review: Review) -> Document:
    """ValueError for what is no such file; what is wrong with an item of it is told to `review`."""
    content = _content(path)
    pictures: dict[Id, Picture] = {}
    names: dict[str, Id] = {}
    for number, item in _numbered(content["images"], "image", review):
        try:
            picture = _picture(item)
        except ValueError as error:
            review.fault(f"image {shown(number)}", str(error))
            continue
        if picture.name in names:
            review.fault(
                f"image {shown(number)}", f"{picture.name!r} is image {shown(names[picture.name])}, too"
            )
        names[picture.name] = number
        pictures[number] = picture
    categories: dict[Id, Mapping[str, Any]] = {}
    for number, item in sorted(_numbered(content["categories"], "category", review), key=_by_number):
        name = item.get("name")
        if not isinstance(name, str) or not name.strip():
            review.fault(f"category {shown(number)}", f"expected a name, found {shown(name)}")
        elif any(name == other["name"] for other in categories.values()):
            review.fault(f"category {shown(number)}", f"another one is called {name!r}, too")
        else:
            categories[number] = item
    annotations: dict[Id, list[Mapping[str, Any]]] = defaultdict(list)
    for number, item in _numbered(content["annotations"], "annotation", review):
        image = item.get("image_id")
        if is_id(image) and image in pictures:
            annotations[image].append(item)
        else:
            review.fault(f"annotation {shown(number)}", f"there is no image {shown(image)}")
    review.refuse()
    return Document(pictures, categories, annotations)


def numbers(item: Mapping[str, Any], name: str, count: int) -> list[float]:
    """So many finite numbers of a list; ValueError where there is anything else."""
    found = item.get(name)
    if not isinstance(found, list) or len(found) != count or not all(map(_is_number, found)):
        raise ValueError(f"{name}: expected {count} numbers, found {shown(found)}")
    return [float(number) for number in found]


def is_id(value: Any) -> TypeGuard[Id]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def boxed_images(
    path: Path,
    folders: Sequence[Path],
    pictures: Mapping[Id, Picture],
    classes: tuple[str, ...],
    objects: Mapping[Id, Sequence[Described]],
    sizes: Sizes,
    review: Review,
    num_joints: int = 0,
) -> BoxedImages:
    """The pictures with their objects, once the files have been looked at; ValueError for whatever is wrong."""
    folder = _folder_of(path, folders, pictures)
    paths = [os.path.join(folder, picture.name) for picture in pictures.values()]
    images = []
    known = known_sizes(paths, sizes, review)
    for (number, picture), file, size in zip(pictures.items(), paths, known, strict=True):
        if size is None:
            continue
        if picture.size not in (None, size):
            assert picture.size is not None
            said = f"{in_words(picture.size)} in the annotations, {in_words(size)} in the file"
            review.fault(f"image {printable(picture.name)}", said)
            continue
        images.append(boxed_image(file, size, number, objects.get(number, ()), num_joints, review))
    review.refuse()
    return BoxedImages(path, classes, tuple(images), notes=review.notes())


def _described(
    annotation: Mapping[str, Any], labels: Mapping[Id, int], where: str, joints_of: JointsOf
) -> Described:
    """labels: of the category ids. ValueError for what is not as it should be, the box's place aside."""
    category = annotation.get("category_id")
    if not is_id(category) or category not in labels:
        raise ValueError(f"there is no category {shown(category)}")
    left, top, width, height = numbers(annotation, "bbox", 4)
    crowd = annotation.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f"iscrowd: expected 0 or 1, found {shown(crowd)}")
    area = annotation.get("area")
    if area is not None and not (_is_number(area) and area >= 0):
        raise ValueError(f"area: expected a number of pixels, found {shown(area)}")
    box = left, top, left + width, top + height
    joints = joints_of(annotation)
    return Described(where, box, labels[category], area, crowd=bool(crowd), joints=joints)


def _content(path: Path) -> dict[str, Any]:
    text = read_text(path)
    check_fits(_TIMES * len(text), f"{printable(path)}, once it is read,")
    try:
        content = read_json(text)
    except ValueError as error:
        raise ValueError(f"{printable(path)}: {error}") from None
    for name in _LISTS:
        if not isinstance(content, dict) or not isinstance(content.get(name), list):
            raise ValueError(f"{printable(path)} is no COCO file: it has no list {name!r}")
    assert isinstance(content, dict)
    if not content["images"]:
        raise ValueError(f"{printable(path)} has no images")
    return content


def _numbered(items: Sequence[Any], kind: str, review: Review) -> list[tuple[Id, Mapping[str, Any]]]:
    """The items with their ids, of which none is given twice."""
    found: dict[Id, Mapping[str, Any]] = {}
    for place, item in enumerate(items, start=1):
        number = item.get("id") if isinstance(item, dict) else None
        if not is_id(number):
            review.fault(f"{kind} at place {place:,}", f"expected an id, found {shown(number)}")
        elif number in found:
            review.fault(f"{kind} at place {place:,}", f"its id {shown(number)} is another one's, too")
        else:
            found[number] = item
    return list(found.items())


def _picture(item: Mapping[str, Any]) -> Picture:
    name = item.get("file_name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"file_name: expected a text, found {shown(name)}")
    path = PurePosixPath(name.replace("\\", "/"))  # of some Windows programs
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"its file_name leads out of the folder of images: {shown(name)}")
    height, width = item.get("height"), item.get("width")
    if height is None or width is None:
        return Picture(str(path), None)
    if not isinstance(height, int) or not isinstance(width, int):
        raise ValueError(f"expected integers as width and height, found {shown(width)} and {shown(height)}")
    return Picture(str(path), (height, width))


def _folder_of(path: Path, folders: Sequence[Path], pictures: Mapping[Id, Picture]) -> Path:
    first = next(iter(pictures.values())).name
    for folder in folders:
        if is_there(folder / first):
            return folder
    looked = ", ".join(map(printable, folders))
    raise ValueError(f"{printable(path)}: its image {printable(first)} is not there (looked in {looked})")


def _by_number(item: tuple[Id, Any]) -> tuple[bool, Id]:
    """Numbers in their order, then texts."""
    return isinstance(item[0], str), item[0]


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
