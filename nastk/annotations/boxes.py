"""Objects as a file describes them -> the arrays of an image, once their boxes have been looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nastk.annotations.image_files import Size, in_words
from nastk.annotations.review import Review
from nastk.annotations.sets import BoxedImage

_ROUNDING = (
    1.0  # pixels by which a box may leave its image and is cut: programs round, or count from 0 or from 1
)


@dataclass(frozen=True)
class Described:
    """where: "annotation 7 of a.jpg", for messages. box: left, top, right, bottom in pixels from 0. area: of the
    object, in pixels; None: not known. joints: J times x, y, visibility."""

    where: str
    box: tuple[float, float, float, float]
    label: int
    area: float | None = None
    crowd: bool = False
    difficult: bool = False
    joints: Sequence[float] = ()


def boxed_image(
    path: str, size: Size, number: int | str, objects: Sequence[Described], num_joints: int, review: Review
) -> BoxedImage:
    """number: the image's id. Boxes that are wrong are left out and told to `review`: as faults those that are
    inverted or leave the image, as mended those without any area and those that rounding put outside."""
    kept: list[Described] = []
    boxes: list[tuple[float, float, float, float]] = []
    for one in objects:
        box = _within(one, size, review)
        if box is not None:
            kept.append(one)
            boxes.append(box)
    areas = [
        (right - left) * (bottom - top) if one.area is None else one.area
        for one, (left, top, right, bottom) in zip(kept, boxes, strict=True)
    ]
    joints = np.array([one.joints for one in kept], np.float32)
    return BoxedImage(
        path=path,
        size=size,
        id=number,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array([one.label for one in kept], np.int64),
        areas=np.array(areas, np.float32),
        crowd=np.array([one.crowd for one in kept], bool),
        difficult=np.array([one.difficult for one in kept], bool),
        joints=joints.reshape(len(kept), num_joints, 3),
    )


def _within(one: Described, size: Size, review: Review) -> tuple[float, float, float, float] | None:
    """The box, cut at the image's edges; None: there is none to be kept."""
    left, top, right, bottom = one.box
    height, width = size
    said = f"the box from x {left:g}, y {top:g} to x {right:g}, y {bottom:g}"
    if right < left or bottom < top:
        review.fault(one.where, f"{said} is inverted: it ends before it begins")
        return None
    if min(left, top) < -_ROUNDING or right > width + _ROUNDING or bottom > height + _ROUNDING:
        review.fault(one.where, f"{said} leaves the image, which is {in_words(size)}")
        return None
    cut = max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        review.mended("left out boxes without any area", one.where)
        return None
    if cut != one.box:
        review.mended(f"boxes that end at most {_ROUNDING:g} pixel outside were cut at the edge", one.where)
    return cut
