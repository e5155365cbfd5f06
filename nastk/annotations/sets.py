"""What every reader of annotations returns: images with boxes and joints, images with masks.

B boxes of an image, J joints of an object, K classes. Arrays are numpy's; pixels are those of the image as it is
to be seen, counted from 0: a box of the whole image is (0, 0, width, height).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

IGNORED = 255  # label of pixels that count neither way


@dataclass(frozen=True)
class Skeleton:
    """joints: J names. bones: pairs of joints that pictures join. flips: pairs of a left and a right one, which
    change places in a mirrored image."""

    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    flips: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class BoxedImage:
    """An image and the B objects in it.

    size: (H, W). boxes: float32 [B, 4], left, top, right, bottom. labels: int64 [B] of 0..K-1, the background
    being none. areas: float32 [B], pixels of the object itself where that is known, else of its box. crowd: bool
    [B], a box around several objects (COCO). difficult: bool [B], not to be asked for (VOC). joints: float32
    [B, J, 3], x, y and 0 unknown, 1 hidden, 2 visible; J is 0 without a skeleton.
    """

    path: str
    size: tuple[int, int]
    id: int | str
    boxes: np.ndarray
    labels: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    difficult: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True, eq=False)
class BoxedImages:
    """place: for messages. classes: K names, in the order of labels. notes: what was done to the annotations, a
    line each, for the user."""

    place: Path
    classes: tuple[str, ...]
    images: tuple[BoxedImage, ...]
    skeleton: Skeleton | None = None
    notes: tuple[str, ...] = ()

    def counts(self) -> np.ndarray:
        """int64 [K]: objects of each class."""
        labels = [image.labels for image in self.images]
        return np.bincount(np.concatenate([np.empty(0, np.int64), *labels]), minlength=len(self.classes))

    def num_with_joints(self) -> int:
        """Objects of which a joint is known."""
        return sum(int((image.joints[..., 2] > 0).any(axis=1).sum()) for image in self.images)


@dataclass(frozen=True)
class Legend:
    """What the pixels of masks mean. classes: K names. values: of each class in the files. ignored: values of what
    counts neither way."""

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: frozenset[int]

    def labels(self, values: np.ndarray) -> np.ndarray:
        """uint8 [H, W] of 0..K-1 and IGNORED for a file's values, uint8 [H, W], which are all known."""
        table = np.full(256, IGNORED, np.uint8)
        table[list(self.values)] = np.arange(len(self.values))
        return table[values]


@dataclass(frozen=True, eq=False)
class MaskedImage:
    """An image and the class of each of its pixels. size: (H, W), which the mask has, too. mask: path of a PNG, of
    which `Legend` says what its values mean. pixels: int64 [K], how many are of each class."""

    path: str
    size: tuple[int, int]
    id: str
    mask: str
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class MaskedImages:
    """place, notes: as of `BoxedImages`."""

    place: Path
    legend: Legend
    images: tuple[MaskedImage, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        return self.legend.classes

    def counts(self) -> np.ndarray:
        """int64 [K]: pixels of each class."""
        return np.stack([image.pixels for image in self.images]).sum(axis=0)
