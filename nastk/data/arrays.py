"""From arrays of images and labels to an ImageSet, every fault of theirs named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nastk.data.images import ImageSet, ResidentImages
from nastk.data.sizes import fit, resize_note, wanted_size
from nastk.data.split import balanced_part
from nastk.schema import DataConfig

_CHUNK = 1024  # images resized at a time


@dataclass(frozen=True)
class Arrays:
    """images and labels as they were found; their names and their place are for messages."""

    images: np.ndarray
    labels: np.ndarray
    place: str
    image_name: str
    label_name: str


def from_arrays(
    arrays: Arrays,
    config: DataConfig,
    *,
    max_images: int | None,
    classes: tuple[str, ...] | None,
    like: ImageSet | None,
) -> ResidentImages:
    """The set, without mean and std. classes: None: one a label, named by its number.

    like: the training set, whose channels and size these images get. Raises ValueError naming the
    array and what is wrong with it.
    """
    images = checked_images(arrays)
    labels = checked_labels(arrays, len(images), None if classes is None else len(classes))
    if classes is None:
        classes = tuple(str(label) for label in range(int(labels.max()) + 1))
    if max_images is not None and max_images < len(labels):
        part = balanced_part(labels, max_images)
        images, labels = images[part.numpy()], labels[part]

    found = images.shape[1:3]
    if like is None:
        try:
            size = wanted_size([found], config.image_size)
        except ValueError as error:
            raise ValueError(f"{arrays.place}: {error}") from None
    else:
        channels, *sides = like.shape
        size = (sides[0], sides[1])
        if images.shape[3] != channels:
            raise ValueError(
                f"{arrays.place}: {arrays.image_name} has {images.shape[3]} channels, "
                f"the training images have {channels}"
            )
    tensor = torch.from_numpy(np.ascontiguousarray(images))
    if found != size:
        tensor = torch.cat([fit(chunk, size) for chunk in tensor.split(_CHUNK)])
    return ResidentImages(
        tensor=tensor,
        labels=labels,
        classes=classes,
        notes=resize_note([found], size),
        on_host=tensor.numel() > config.resident_mib * 2**20,
    )


def checked_images(arrays: Arrays) -> np.ndarray:
    """uint8 [N, H, W, C] of [N, H, W, C] or [N, H, W] images."""
    images, what = arrays.images, f"{arrays.place}: {arrays.image_name}"
    if images.dtype != np.uint8:
        raise ValueError(f"{what} must be uint8 (0..255), found {images.dtype}")
    if images.ndim not in (3, 4):
        raise ValueError(f"{what} must be [N, H, W, C] or [N, H, W], found shape {list(images.shape)}")
    if images.size == 0:
        raise ValueError(f"{what} is empty: shape {list(images.shape)}")
    if images.ndim == 3:
        return images[..., None]
    if images.shape[3] not in (1, 3):
        hint = "; move the channels to the end" if images.shape[1] in (1, 3) else ""
        raise ValueError(f"{what} must have 1 or 3 channels last, found shape {list(images.shape)}{hint}")
    return images


def checked_labels(arrays: Arrays, num_images: int, num_classes: int | None) -> Tensor:
    """int64 [N] of integers [N] or [N, 1]. num_classes: None: as many as there are, without a gap."""
    labels, what = arrays.labels, f"{arrays.place}: {arrays.label_name}"
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{what} must hold integers, found {labels.dtype}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"{what} must be one label an image, found shape {list(labels.shape)}")
    if len(labels) != num_images:
        raise ValueError(f"{what} has {len(labels)} labels for {num_images} images")
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise ValueError(f"{what} has {int((labels < 0).sum())} negative labels, such as {low}")
    if num_classes is None:
        present = np.unique(labels)
        if len(present) == 1:
            raise ValueError(f"{what} has only one class, {low}: there is nothing to tell apart")
        if len(present) <= high:
            missing = next(number for number, label in enumerate(present) if label != number)
            raise ValueError(f"{what} must be 0..K-1: it goes up to {high}, but {missing} is missing")
    elif high >= num_classes:
        raise ValueError(f"{what} has the label {high}; the classes are 0..{num_classes - 1}")
    return torch.from_numpy(labels.astype(np.int64))
