"""From arrays of images and labels to an ImageSet, every fault of theirs named.

What can be refused by type and shape is refused before an array is read: unpacked, it may be huge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nastk.data.fingerprint import digest_of_array
from nastk.data.images import ImageSet, ResidentImages
from nastk.data.memory import check_fits
from nastk.data.sizes import covering, fit, resize_note, wanted_size
from nastk.data.split import Selection
from nastk.schema import DataConfig

_MOST = 1024  # images resized at a time,
_PIXELS = 2**26  # but no more of these
_EXACT = 2**53  # floats tell whole numbers apart up to here


class Array(Protocol):
    """An array that may still have to be read."""

    @property
    def dtype(self) -> np.dtype: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self) -> np.ndarray: ...


@dataclass(frozen=True)
class ReadArray:
    """One that was read before."""

    array: np.ndarray

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def read(self) -> np.ndarray:
        return self.array


@dataclass(frozen=True)
class Arrays:
    """images and labels as they were found; their names and their place are for messages.

    class_names: in the order of the labels, if there are such. notes: on the names, for the user.
    """

    images: Array
    labels: Array
    place: str
    image_name: str
    label_name: str
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


def from_arrays(
    arrays: Arrays,
    config: DataConfig,
    *,
    selection: Selection,
    classes: tuple[str, ...] | None,
    like: ImageSet | None,
    which: str,
) -> ResidentImages:
    """The set of the images that are selected, without mean and std. classes: None: one a label, called as the
    arrays say or by its number.

    like: the training set, whose channels and size these images get. which: as notes call them. Raises
    ValueError naming the array and what is wrong with it.
    """
    num, *found, channels = image_shape(arrays)
    found_size = found[0], found[1]
    check_label_shape(arrays, num, None if classes is None else len(classes))
    size = _size(arrays, found_size, channels, config, like)
    labels = checked_labels(arrays, classes)
    notes: tuple[str, ...] = ()
    if classes is None:
        classes, notes = _classes(arrays, int(labels.max()) + 1)
    part, num_found = selection.of(labels, classes)
    if part is not None:
        labels = labels[part]
    check_fits(
        len(labels) * channels * math.prod(size),
        f"{arrays.place}: {len(labels):,} images of {channels}x{size[0]}x{size[1]}",
    )

    images = arrays.images.read().reshape(num, *found, channels)
    if part is not None:
        images = images[part.numpy()]
    images = np.ascontiguousarray(images)
    contents = digest_of_array(images)
    tensor = _resized(torch.from_numpy(images), size)
    return ResidentImages(
        tensor=tensor,
        labels=labels,
        classes=classes,
        num_found=num_found,
        notes=(*notes, *resize_note([found_size], size, which)),
        on_host=tensor.numel() > config.resident_mib * 2**20,
    ).with_fingerprint(contents)


def image_shape(arrays: Arrays) -> tuple[int, int, int, int]:
    """[N, H, W, C] of uint8 images of that shape or of [N, H, W]."""
    shape, what = arrays.images.shape, f"{arrays.place}: {arrays.image_name}"
    if arrays.images.dtype != np.uint8:
        raise ValueError(f"{what} must be uint8 (0..255), found {arrays.images.dtype}")
    if len(shape) not in (3, 4):
        raise ValueError(f"{what} must be [N, H, W, C] or [N, H, W], found shape {list(shape)}")
    if math.prod(shape) == 0:
        raise ValueError(f"{what} is empty: shape {list(shape)}")
    num, height, width, channels = shape if len(shape) == 4 else (*shape, 1)
    if channels not in (1, 3):
        hint = "; move the channels to the end" if height in (1, 3) else ""
        raise ValueError(f"{what} must have 1 or 3 channels last, found shape {list(shape)}{hint}")
    return num, height, width, channels


def check_label_shape(arrays: Arrays, num_images: int, num_classes: int | None) -> None:
    """Labels are whole numbers [N] or [N, 1], be they stored as floats, or one-hot [N, K].

    num_classes: None: as many as there are, of which there can be no more than images.
    """
    shape, what = arrays.labels.shape, f"{arrays.place}: {arrays.label_name}"
    kind = arrays.labels.dtype.kind
    if _are_one_hot(shape):
        possible = kind in "iufb" and (
            shape[1] == num_classes or (num_classes is None and shape[1] <= shape[0])
        )
    else:
        possible = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
        if kind not in "iuf":
            raise ValueError(f"{what} must hold integers, found {arrays.labels.dtype}")
    if not possible:
        raise ValueError(f"{what} must be one label an image, found shape {list(shape)}")
    if shape[0] != num_images:
        raise ValueError(f"{what} has {shape[0]:,} labels for {num_images:,} images")


def checked_labels(arrays: Arrays, classes: tuple[str, ...] | None) -> Tensor:
    """int64 [N] of labels of the right shape. classes: None: as many as there are, without a gap."""
    what = f"{arrays.place}: {arrays.label_name}"
    labels = _whole(arrays.labels.read(), what)
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise ValueError(f"{what} has {int((labels < 0).sum()):,} negative labels, such as {low}")
    if classes is None:
        present = np.unique(labels)
        if len(present) == 1:
            raise ValueError(f"{what} has only one class, {low}: there is nothing to tell apart")
        if len(present) <= high:
            missing = next(number for number, label in enumerate(present) if label != number)
            raise ValueError(f"{what} must be 0..K-1: it goes up to {high}, but {missing} is missing")
    elif high >= len(classes):
        raise ValueError(f"{what} has the label {high}; the classes are {_described(classes)}")
    return torch.from_numpy(labels.astype(np.int64))


def _are_one_hot(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[1] > 1


def _whole(labels: np.ndarray, what: str) -> np.ndarray:
    """Integers [N]; ValueError for fractions, and for rows [K] that are not one 1 among zeros."""
    if _are_one_hot(labels.shape):
        if not (((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise ValueError(
                f"{what} must be one label an image, found shape {list(labels.shape)} "
                "whose rows are not one 1 among zeros"
            )
        return labels.argmax(axis=1)
    labels = labels.reshape(-1)
    if labels.dtype.kind != "f":
        return labels
    numbers = labels.astype(np.float64)
    others = numbers[~(np.abs(numbers) <= _EXACT) | (numbers != np.floor(numbers))]
    if len(others):
        raise ValueError(f"{what} must hold integers, found {labels.dtype} such as {others[0]:.6g}")
    return numbers.astype(np.int64)


def _classes(arrays: Arrays, num: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What `num` classes are called, and what the user should know about it."""
    names = arrays.class_names
    if names is not None and len(names) == num:
        return names, ()
    notes = arrays.notes
    if names is not None:
        notes = (
            f"{arrays.place}: {len(names):,} names for {num:,} classes; they are called by their numbers",
        )
    return tuple(str(label) for label in range(num)), notes


def _described(classes: tuple[str, ...]) -> str:
    """By number, and by name where they have one."""
    last = len(classes) - 1
    if classes == tuple(map(str, range(len(classes)))):
        return f"0..{last}"
    return f"0 ({classes[0]}) to {last} ({classes[-1]})"


def _size(
    arrays: Arrays, found: tuple[int, int], channels: int, config: DataConfig, like: ImageSet | None
) -> tuple[int, int]:
    """(H, W) that the images get."""
    if like is None:
        try:
            return wanted_size([found], config.image_size, config.max_side)
        except ValueError as error:
            raise ValueError(f"{arrays.place}: {error}") from None
    if channels != like.shape[0]:
        raise ValueError(
            f"{arrays.place}: {arrays.image_name} has {channels} channels, "
            f"the training images have {like.shape[0]}"
        )
    return like.shape[1], like.shape[2]


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """uint8 [N, H, W, C]; some at a time, into the place that they are to have."""
    num, *found, channels = images.shape
    if tuple(found) == size:
        return images
    at_a_time = min(_PIXELS // max(math.prod(found), math.prod(covering((found[0], found[1]), size))), _MOST)
    resized = torch.empty(num, *size, channels, dtype=torch.uint8)
    for part, place in zip(images.split(max(at_a_time, 1)), resized.split(max(at_a_time, 1)), strict=True):
        place.copy_(fit(part, size))
    return resized
