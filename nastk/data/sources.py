"""From the word after --dataset to images: find them, read them, check them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from nastk import registry
from nastk.data.arrays import Arrays, from_arrays
from nastk.data.files import is_there, printable, reason_of
from nastk.data.folders import read_folder
from nastk.data.images import ImageSet
from nastk.data.named import NamedDataset
from nastk.data.npz import find_in_npz
from nastk.data.sizes import check_image_size
from nastk.data.statistics import channel_statistics
from nastk.data.torchvision_sets import read_torchvision
from nastk.schema import DataConfig

_EMBEDDED = Path(__file__).parent  # the sets that come with nastk: <name>.npz


def load_images(
    config: DataConfig, split: Literal["train", "test"], like: ImageSet | None = None
) -> ImageSet:
    """The images of one split, on the CPU; nothing of the other split is opened or listed.

    like: the training set, whose classes, channels, size, mean and std a test set gets; None: it is
    loaded for that. Mean and std are a known set's published ones, else those of the training images.
    Raises ValueError, one line in the user's words, for whatever cannot be found, read or used.
    """
    check_image_size(config.image_size)
    if split == "test" and like is None:
        like = load_images(config, "train")
    named = None
    if config.dataset in registry.DATASETS:
        named = registry.DATASETS[config.dataset].load()
    max_images = config.max_train if split == "train" else config.max_test

    place = _locate(config, named)
    if isinstance(place, Path) and place.is_dir():
        images = read_folder(place, split, config, max_images=max_images, like=like)
        if split == "train" and named:
            images = images.with_notes(*_lossy_note(place, named))
    else:
        arrays = (
            find_in_npz(place, split) if isinstance(place, Path) else _from_torchvision(config, place, split)
        )
        classes = like.classes if like else named.classes if named else None
        images = from_arrays(arrays, config, max_images=max_images, classes=classes, like=like)

    num_classes = len(images.classes)
    if named and num_classes != len(named.classes):
        raise ValueError(f"{config.dataset}: expected {len(named.classes)} classes, found {num_classes}")
    if split == "train" and images.num_images < num_classes:
        raise ValueError(f"{images.num_images} training images are too few for {num_classes} classes")
    if like is not None:
        return images.with_statistics(like.mean, like.std)
    if named is not None and len(named.mean) == images.shape[0]:
        return images.with_statistics(named.mean, named.std)
    return images.with_statistics(*channel_statistics(images))


def data_root(config: DataConfig) -> Path:
    """Where known names are looked for: `data.dir`, else $NASTK_DATA, else ~/.cache/nastk."""
    root = Path(config.dir or os.environ.get("NASTK_DATA") or "~/.cache/nastk")
    try:
        return root.expanduser()
    except RuntimeError:
        raise ValueError(f"{printable(root)}: there is no such user") from None


def _locate(config: DataConfig, named: NamedDataset | None) -> Path | NamedDataset:
    """The .npz file or the folder of class folders; the named set itself if torchvision has to have it."""
    if named is None:
        return _unnamed(config.dataset)
    if named.torchvision is None:
        return _EMBEDDED / f"{named.name}.npz"
    root = data_root(config)
    file, folder = root / f"{named.name}.npz", root / named.name
    try:
        if is_there(file):
            return file
        return folder if is_there(folder / "train") else named
    except OSError as error:
        raise ValueError(f"{printable(root)}: {reason_of(error)}") from None


def _unnamed(dataset: str) -> Path:
    try:
        path = Path(dataset).expanduser()
        exists = is_there(path)
    except RuntimeError:
        raise ValueError(f"{printable(dataset)}: there is no such user") from None
    except OSError as error:
        raise ValueError(f"{printable(path)}: {reason_of(error)}") from None
    if exists and (os.path.isdir(path) or path.suffix.lower() == ".npz"):
        return path
    if exists:
        raise ValueError(f"{printable(path)} is neither a directory of class folders nor an .npz file")
    if path.name == dataset and not path.suffix:
        raise registry.unknown("data set", dataset, registry.DATASETS)
    raise ValueError(f"{printable(path)} does not exist (expected a directory or an .npz file)")


def _from_torchvision(config: DataConfig, named: NamedDataset, split: Literal["train", "test"]) -> Arrays:
    root = data_root(config)
    try:
        return read_torchvision(named, root, split)
    except OSError as error:
        assert named.torchvision is not None
        looked = (f"{named.name}.npz", f"{named.name}/train/", f"{named.torchvision.folder}/")
        raise ValueError(
            f"{named.name} is not in {printable(root)} (looked for {', '.join(looked)}) and cannot be "
            f"downloaded ({error}); put one of these there, or say where they are with --data-dir or $NASTK_DATA"
        ) from None


def _lossy_note(folder: Path, named: NamedDataset) -> tuple[str, ...]:
    """A known set's originals are lossless: figures from a JPEG copy are not comparable."""
    train = folder / "train"
    if not any(path.suffix.lower() in (".jpg", ".jpeg", ".jfif") for path in train.glob("*/*")):
        return ()
    return (f"{printable(train)} holds JPEG copies of {named.name}: their pixels differ from the original",)
