"""What detectors are measured on, as flat arrays over a whole set: the objects there are and the ones found.

Legend: n objects or detections, J joints of a pose. Images and labels are numbers of the caller's own, of which any
may be missing; boxes are x1, y1, x2, y2 in pixels, of width x2 - x1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Objects:
    """The objects of a set. images, labels: int [n]; boxes: float [n, 4]; areas: float [n] in pixels, of an
    object's mask where it has one, else of its box; ignored: bool [n], VOC's difficult ones or COCO's crowds.
    """

    images: Array
    labels: Array
    boxes: Array
    areas: Array
    ignored: Array


@dataclass(frozen=True)
class Detections:
    """What was found. images, labels: int [n]; boxes: float [n, 4], finite; scores: float [n], larger is surer.

    A score of NaN is the least of all, and of equal scores the earlier is the surer.
    """

    images: Array
    labels: Array
    boxes: Array
    scores: Array

    def __post_init__(self) -> None:
        assert np.isfinite(self.boxes).all()


@dataclass(frozen=True)
class Persons:
    """The persons of a set, or whatever else has joints. images: int [n]; joints: float [n, J, 3], x, y in
    pixels and COCO's visibility, 0 of a joint that is not labelled; boxes: float [n, 4]; areas: float [n], as
    of Objects; ignored: bool [n], crowds.
    """

    images: Array
    joints: Array
    boxes: Array
    areas: Array
    ignored: Array


@dataclass(frozen=True)
class Poses:
    """Poses found. images: int [n]; joints: float [n, J, 2], x, y in pixels, finite; scores as of Detections."""

    images: Array
    joints: Array
    scores: Array

    def __post_init__(self) -> None:
        assert np.isfinite(self.joints).all()


def areas(boxes: Array) -> Array:
    """Of boxes [..., 4], [...] in square pixels: without the pixel that VOC's own code adds to each side."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def intersections_over_unions(boxes: Array, others: Array) -> Array:
    """IoU [n, m] of each of boxes [n, 4] with each of others [m, 4]; 0 where both are empty."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=2)
    united = areas(boxes)[:, None] + areas(others)[None] - shared
    return np.divide(shared, united, out=np.zeros_like(shared), where=united > 0)


def rows_of_images(images: Array) -> dict[int, Array]:
    """Image -> the rows [m] that are of it, in their order."""
    order = np.argsort(images, kind="stable")
    numbers, starts = np.unique(images[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=False))  # of none, split makes one
