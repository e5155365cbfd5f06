"""The images of an evaluation or a transfer: some for weights, perhaps some to validate, and those that test."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nastk.data.description import describe, how_many, unequal_classes
from nastk.data.images import ImageSet
from nastk.data.sources import has_validation, load_images
from nastk.data.split import balanced_split
from nastk.schema import StandaloneDataConfig


@dataclass(frozen=True)
class TrainingImages:
    """On the CPU. validation: None: there are none. notes: which images these are, and what was done to them."""

    train: ImageSet
    validation: ImageSet | None
    test: ImageSet
    notes: tuple[str, ...]


def load_training_images(config: StandaloneDataConfig) -> TrainingImages:
    """Validated are the set's own validation images, if it has some besides those that test, or a part of every
    class of the training images, of the size that `data.validation_portion` says.

    That part depends on the labels alone and not on a run's seed, so that a training that goes on from another
    one's weights validates on images that these have not seen. Raises ValueError for data that cannot be used.
    """
    images = load_images(config, "train")
    test = load_images(config, "test", like=images)
    train, validation, told = _parted(images, config)
    tested = f"test: {how_many(test, config.max_test, 'data.max_test')}"
    notes = [describe(images, config, *told, tested), *images.notes, *test.notes]
    notes += validation.notes if validation is not None else ()
    unequal = unequal_classes(train)
    if unequal is not None:
        notes.append(unequal)
    return TrainingImages(train, validation, test, tuple(dict.fromkeys(notes)))


def _parted(
    images: ImageSet, config: StandaloneDataConfig
) -> tuple[ImageSet, ImageSet | None, tuple[str, ...]]:
    """The training images, the validation images, and what to tell of these."""
    portion = config.validation_portion
    if portion is None and has_validation(config):
        own = load_images(config, "validation", like=images)
        return images, own, (f"validation: {how_many(own, config.max_train, 'data.max_train')}",)
    if not portion:
        return images, None, ()
    generator = torch.Generator().manual_seed(0)
    train, held_out = balanced_split(images.labels, 1 - portion, generator, classes=images.classes)
    told = f"validation: {len(held_out):,} of them (data.validation_portion)"
    return images.subset(train), images.subset(held_out), (told,)
