"""The images of a search: some for weights, some for choosing; the test images are not among them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.description import describe, how_many
from nastk.data.fingerprint import Fingerprint
from nastk.data.images import ImageSet
from nastk.data.sources import has_validation, load_images
from nastk.data.split import balanced_split
from nastk.schema import SearchDataConfig


@dataclass(frozen=True)
class SearchImages:
    """Batches to train weights on and to choose by: halves of the training images, or those and the set's own
    validation part."""

    train: Batches
    validation: Batches
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # C, H, W
    notes: tuple[
        str, ...
    ]  # which images these are, and what was done to them while they were read, for the user
    fingerprint: Fingerprint | None = None  # of the training images as they were loaded, both halves
    validation_fingerprint: Fingerprint | None = None  # of a validation part that the set has


def load_search_images(
    config: SearchDataConfig, batch_size: int, device: torch.device, splitting: torch.Generator
) -> SearchImages:
    """The set's own validation part to choose by (unless `data.validation` is half) and all training images for
    weights, or, where there is none, class-balanced halves of these.

    The halves depend on the labels, `train_portion` and the generator only. Test images are not
    looked at. Raises ValueError for data that cannot be used.
    """
    images = load_images(config, "train")
    train, validation, told = _parted(images, config, splitting)
    own = validation.fingerprint if validation.fingerprint is not images.fingerprint else None
    augmentation = Augmentation(pad=config.pad, flip=config.flip, cutout=config.cutout)
    return SearchImages(
        train=Batches(train.to(device), batch_size, augmentation=augmentation, shuffle=True),
        validation=Batches(
            validation.to(device),
            batch_size,
            augmentation=augmentation if config.augment_validation else None,
        ),
        classes=images.classes,
        shape=images.shape,
        notes=tuple(dict.fromkeys((told, *images.notes, *validation.notes))),
        fingerprint=images.fingerprint,
        validation_fingerprint=own,
    )


def _parted(
    images: ImageSet, config: SearchDataConfig, splitting: torch.Generator
) -> tuple[ImageSet, ImageSet, str]:
    """The training images, the validation images, and which they are, for the user."""
    if config.validation == "auto" and has_validation(config):
        own = load_images(config, "validation", like=images)
        which = how_many(own, config.max_train, "data.max_train")
        told = (
            f"all for weights; to choose by, the set's own validation images: {which} (see data.validation)"
        )
        return images, own, describe(images, config, told)
    train, validation = balanced_split(images.labels, config.train_portion, splitting, classes=images.classes)
    told = f"{len(train):,} for weights, {len(validation):,} to choose by"
    return images.subset(train), images.subset(validation), describe(images, config, told)
