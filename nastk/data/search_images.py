"""The images of a search: the training set in two halves, one for weights, one for choosing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.fingerprint import Fingerprint
from nastk.data.sources import load_images
from nastk.data.split import balanced_split
from nastk.schema import SearchDataConfig


@dataclass(frozen=True)
class SearchImages:
    """Batches to train weights on and to choose by; both come from the training images alone."""

    train: Batches
    validation: Batches
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # C, H, W
    notes: tuple[str, ...]  # what was done to the images while they were read, for the user
    fingerprint: Fingerprint | None = None  # of the training images as they were loaded, both halves


def load_search_images(
    config: SearchDataConfig, batch_size: int, device: torch.device, splitting: torch.Generator
) -> SearchImages:
    """The two halves, class-balanced.

    The split depends on the labels, `train_portion` and the generator only. Test images are not
    looked at. Raises ValueError for data that cannot be used.
    """
    images = load_images(config, "train")
    train, validation = balanced_split(images.labels, config.train_portion, splitting, classes=images.classes)
    augmentation = Augmentation(pad=config.pad, flip=config.flip, cutout=config.cutout)
    return SearchImages(
        train=Batches(images.subset(train).to(device), batch_size, augmentation=augmentation, shuffle=True),
        validation=Batches(
            images.subset(validation).to(device),
            batch_size,
            augmentation=augmentation if config.augment_validation else None,
        ),
        classes=images.classes,
        shape=images.shape,
        notes=images.notes,
        fingerprint=images.fingerprint,
    )
