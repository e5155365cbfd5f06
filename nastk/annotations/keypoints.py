"""COCO's keypoints: objects with joints, x, y and whether they are known, as one category of a file names them.

Which joints change places in a mirrored image follows from their names: left_knee and right_knee do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nastk.annotations.classes import with_common_classes
from nastk.annotations.coco import boxed_images, is_id, numbers, objects_of, read_document
from nastk.annotations.coco_files import CocoFile, coco_files, lone_coco_file
from nastk.annotations.image_files import Sizes, read_sizes
from nastk.annotations.places import existing_folder, find_below
from nastk.annotations.review import Review
from nastk.annotations.sets import BoxedImages, Skeleton
from nastk.data.files import printable
from nastk.data.parts import Part
from nastk.shown import shown

_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def load_keypoints(place: Path, root: Path, sizes: Sizes = read_sizes) -> dict[Part, BoxedImages]:
    """All parts of a data set of keypoints, of training images at least, in the layouts of COCO's files of boxes.

    root: the data directory, below which archives are unpacked. ValueError, in one line, where there are no such
    annotations, or where they are wrong.
    """
    if place.suffix.lower() == ".json" and place.is_file():
        files: dict[Part, CocoFile] = {"train": lone_coco_file(place)}
    else:
        missing = "keypoints: expected annotations/person_keypoints_train.json (COCO)"
        folder = existing_folder(place, root, "a .json file")
        files = find_below(folder, partial(coco_files, keypoints=True), missing)
    if "train" not in files:
        raise ValueError(f"{printable(place)} has keypoints of {', '.join(files)}, none of train")
    parts = with_common_classes(
        {part: read_coco_keypoints(file.path, file.folders, sizes) for part, file in files.items()}
    )
    training = parts["train"]
    if not training.num_with_joints():
        raise ValueError(f"{printable(training.place)} has no joint that is known: there is nothing to learn")
    for part in parts.values():
        _check_same(part, training)
    return parts


def read_coco_keypoints(path: Path, folders: Sequence[Path], sizes: Sizes = read_sizes) -> BoxedImages:
    """The objects of the one category that has joints. folders, ValueError: as of `read_coco`."""
    review = Review(path)
    document = read_document(path, review)
    found = [number for number, category in document.categories.items() if category.get("keypoints")]
    if len(found) != 1:
        raise ValueError(f"{printable(path)}: expected one category with keypoints, found {len(found)}")
    category = document.categories[found[0]]
    try:
        skeleton = skeleton_of(category)
    except ValueError as error:
        raise ValueError(f"{printable(path)}: category {printable(category['name'])}: {error}") from None
    for joint in _without_other_side(skeleton):
        review.mended("joints without one on the other side stay as they are in mirrored images", joint)

    def has_joints(annotation: Mapping[str, Any]) -> bool:
        """Or has no known category, which is found to be wrong."""
        number = annotation.get("category_id")
        return not is_id(number) or number == found[0] or number not in document.categories

    annotations = {image: [*filter(has_joints, items)] for image, items in document.annotations.items()}
    num_joints = len(skeleton.joints)
    objects = objects_of(document, annotations, {found[0]: 0}, review, partial(_joints, num_joints))
    classes = (str(category["name"]),)
    images = boxed_images(path, folders, document.pictures, classes, objects, sizes, review, num_joints)
    return replace(images, skeleton=skeleton)


def skeleton_of(category: Mapping[str, Any]) -> Skeleton:
    """The joints that a category names, the bones, which count them from 1, and the pairs of left and right ones."""
    names = category["keypoints"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"keypoints: expected a list of names, found {shown(names)}")
    if len(set(names)) < len(names):
        raise ValueError("keypoints: a name is given twice")
    bones = category.get("skeleton") or []
    known = range(1, len(names) + 1)
    if not isinstance(bones, list) or not all(_is_bone(bone, known) for bone in bones):
        raise ValueError(f"skeleton: expected pairs of joints from 1 to {len(names)}, found {shown(bones)}")
    return Skeleton(tuple(names), tuple((first - 1, second - 1) for first, second in bones), flips_of(names))


def flips_of(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The pairs of joints whose names differ in their side alone: left_eye and right_eye, LHip and RHip."""
    words = [tuple(word.lower() for word in _WORD.findall(name)) for name in names]
    pairs = []
    for number, name in enumerate(words):
        other = tuple(_OTHER_SIDE.get(word, word) for word in name)
        if other != name and other in words[number + 1 :]:
            pairs.append((number, words.index(other, number + 1)))
    return tuple(pairs)


def _without_other_side(skeleton: Skeleton) -> list[str]:
    """The joints that are called left or right and are in no pair."""
    paired = {joint for pair in skeleton.flips for joint in pair}
    return [
        name
        for number, name in enumerate(skeleton.joints)
        if number not in paired and re.search("left|right", name.lower())
    ]


def _joints(num_joints: int, annotation: Mapping[str, Any]) -> list[float]:
    """x, y, visibility of every joint; ValueError for anything else."""
    joints = numbers(annotation, "keypoints", 3 * num_joints)
    for number, visibility in enumerate(joints[2::3], start=1):
        if visibility not in (0, 1, 2):
            raise ValueError(
                f"joint {number}: expected 0 (unknown), 1 (hidden) or 2 (visible), found {visibility:g}"
            )
    return joints


def _is_bone(bone: Any, known: range) -> bool:
    return (
        isinstance(bone, list)
        and len(bone) == 2
        and all(type(joint) is int and joint in known for joint in bone)
    )


def _check_same(part: BoxedImages, training: BoxedImages) -> None:
    assert part.skeleton is not None and training.skeleton is not None
    if part.skeleton.joints != training.skeleton.joints:
        raise ValueError(
            f"{printable(part.place)} and {printable(training.place)} have other joints: "
            f"{shown(list(part.skeleton.joints))} there, {shown(list(training.skeleton.joints))} here"
        )
