"""From the word after --dataset to images: find them, read them, check them.

Every set trains on its training part and is tested by its test part, which is what it has as validation part
where it has nothing else, and where it has neither, a part held out of the training images: which images those
are depends on the labels and on `data.test_portion` alone, so that every run on the set agrees about it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nastk import registry
from nastk.data.arrays import from_arrays
from nastk.data.files import printable
from nastk.data.folders import read_files
from nastk.data.images import ImageSet
from nastk.data.kept_statistics import kept_statistics
from nastk.data.named import NamedDataset
from nastk.data.parts import Part
from nastk.data.places import Files, Stored, data_root, find_dataset
from nastk.data.sizes import check_image_size
from nastk.data.split import Selection
from nastk.schema import DataConfig


def load_images(config: DataConfig, split: Part, like: ImageSet | None = None) -> ImageSet:
    """The images of one split, on the CPU; nothing of another split is opened or listed.

    split: validation: only of a set that has one besides its test part (`has_validation`). like: the training
    set, whose classes, channels, size, mean and std another set gets; None: it is loaded for that. Mean and
    std are a known set's published ones, else those of the training images. Raises ValueError, one line in the
    user's words, for whatever cannot be found, read or used.
    """
    check_image_size(config.image_size)
    if split != "train" and like is None:
        like = load_images(config, "train")
    named = _named(config)
    found = find_dataset(config, named)
    part, selection, notes = _chosen(found, split, config, named)
    which = "images" if split == "train" else f"{split} images"
    if isinstance(found, Files):
        listing = found.parts[part](config.workers, like.classes if like and not selection.portion else None)
        images: ImageSet = read_files(listing, config, selection=selection, like=like, which=which)
        if split == "train" and named:
            notes += _lossy_note(data_root(config) / named.name, named)
    else:
        classes = like.classes if like else named.classes if named else None
        arrays = found.parts[part]()
        images = from_arrays(arrays, config, selection=selection, classes=classes, like=like, which=which)
    images = images.with_notes(*found.notes, *notes)

    num_classes = len(images.classes)
    if named and num_classes != len(named.classes):
        raise ValueError(f"{config.dataset}: expected {len(named.classes)} classes, found {num_classes}")
    if split == "train" and images.num_images < num_classes:
        raise ValueError(f"{images.num_images} training images are too few for {num_classes} classes")
    if like is not None:
        return images.with_statistics(like.mean, like.std)
    if named is not None and len(named.mean) == images.shape[0]:
        return images.with_statistics(named.mean, named.std)
    return images.with_statistics(*kept_statistics(images, config))


def has_validation(config: DataConfig) -> bool:
    """Whether the set has a validation part besides the one it is tested by."""
    return {"validation", "test"} <= find_dataset(config, _named(config)).parts.keys()


def _named(config: DataConfig) -> NamedDataset | None:
    return registry.DATASETS[config.dataset].load() if config.dataset in registry.DATASETS else None


def _chosen(
    found: Files | Stored, split: Part, config: DataConfig, named: NamedDataset | None
) -> tuple[Part, Selection, tuple[str, ...]]:
    """The part to read, which of its images, and what the user should know about that.

    A known set is not divided: what others call its test accuracy is that of its own test images.
    """
    most = config.max_test if split == "test" else config.max_train
    tests: Part | None = next((part for part in ("test", "validation") if part in found.parts), None)
    divided = tests is None and named is None and config.test_portion > 0
    if divided:
        note = (
            f"{printable(found.place)} has no test part: {config.test_portion:.3g} of every class is held out "
            "for it, always the same images (data.test_portion)"
        )
        use: Literal["rest", "held out"] = "rest" if split == "train" else "held out"
        return "train", Selection(config.test_portion, use, most), (note,)
    if split != "test":
        return split, Selection(most=most), ()
    if tests is None:
        held_out = "" if named else ", and data.test_portion=0 holds out none"
        raise ValueError(f"{printable(found.place)} has no {found.where_tests}{held_out}")
    return tests, Selection(most=most), ()


def _lossy_note(folder: Path, named: NamedDataset) -> tuple[str, ...]:
    """A known set's originals are lossless: figures from a JPEG copy are not comparable."""
    train = folder / "train"
    if not any(path.suffix.lower() in (".jpg", ".jpeg", ".jfif") for path in train.glob("*/*")):
        return ()
    return (f"{printable(train)} holds JPEG copies of {named.name}: their pixels differ from the original",)
