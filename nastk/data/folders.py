"""Images in class folders: DIR/train/<class>/*.png and DIR/test/<class>/*.png (or DIR/val)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

import torch
from torch import Tensor

from nastk.data.decoding import (
    EXTENSIONS,
    Unreadable,
    attempt_all,
    check,
    decode,
    printable,
    read_header,
)
from nastk.data.images import ImageSet, ResidentImages, StreamedImages
from nastk.data.sizes import resize_note, wanted_size
from nastk.data.split import balanced_part
from nastk.schema import DataConfig

_SHOWN = 3  # unreadable files that a message names
T = TypeVar("T")


def read_folder(
    folder: Path,
    split: Literal["train", "test"],
    config: DataConfig,
    *,
    max_images: int | None,
    like: ImageSet | None,
) -> ImageSet:
    """The set, without mean and std; resident if it is no larger than `data.resident_mib`.

    Classes are the folders' names, sorted; files below them count at any depth, hidden ones do not.
    The set is grey if all its files are, else colour; alpha is dropped. like: the training set, whose
    classes these must be and whose channels and size these images get. Raises ValueError for what is
    missing and, unless `data.skip_corrupt`, for files that cannot be read.
    """
    place = _split_folder(folder, split)
    classes, paths, labels = _listed(place)
    _check_classes(place, classes, like)
    if max_images is not None and max_images < len(paths):
        part = balanced_part(labels, max_images)
        paths, labels = [paths[number] for number in part.tolist()], labels[part]

    sieve = _Sieve(place, classes, config)
    paths, labels, headers = sieve.readable(read_header, paths, labels)
    sizes = {header.size for header in headers}
    channels = 1 if all(header.grey for header in headers) else 3
    notes = []
    if like is None:
        try:
            size = wanted_size(sizes, config.image_size)
        except ValueError as error:
            raise ValueError(f"{printable(place)}: {error}") from None
    else:
        size = (like.shape[1], like.shape[2])
        if channels == 3 and like.shape[0] == 1:
            notes.append(f"colour images in {printable(place)} are read as grey: the training images are")
        channels = like.shape[0]

    images: ImageSet
    if len(paths) * channels * size[0] * size[1] <= config.resident_mib * 2**20:
        images = _resident(sieve, paths, labels, channels, size)
    else:
        paths, labels, _ = sieve.readable(check, paths, labels)
        images = StreamedImages(
            paths=tuple(paths),
            labels=labels,
            classes=classes,
            channels=channels,
            size=size,
            workers=config.workers,
        )
    return images.with_notes(*notes, *resize_note(sizes, size), *sieve.notes())


class _Sieve:
    """Keeps the files that can be read; counts the others, or stops at them."""

    def __init__(self, place: Path, classes: tuple[str, ...], config: DataConfig) -> None:
        self.place = place
        self.classes = classes
        self.config = config
        self.left_out: list[Unreadable] = []

    def readable(
        self, read: Callable[[str], T], paths: list[str], labels: Tensor
    ) -> tuple[list[str], Tensor, list[T]]:
        """The paths that `read` can read, their labels, and what it read."""
        results = attempt_all(read, paths, self.config.workers)
        bad = [result for result in results if isinstance(result, Unreadable)]
        if bad and not self.config.skip_corrupt:
            raise ValueError(
                f"{len(bad)} of {len(paths)} files cannot be read: {_some(bad)}; "
                "remove them, or leave them out with data.skip_corrupt=true"
            )
        self.left_out += bad
        good = [(number, got) for number, got in enumerate(results) if not isinstance(got, Unreadable)]
        numbers = [number for number, _ in good]
        kept = labels[torch.tensor(numbers, dtype=torch.int64)]
        for label in labels.unique().tolist():
            if not (kept == label).any():
                raise ValueError(
                    f"{printable(self.place / self.classes[label])}: none of its files can be read: "
                    f"{_some(bad)}"
                )
        return [paths[number] for number in numbers], kept, [got for _, got in good]

    def notes(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        return (f"left out {len(self.left_out)} files that cannot be read: {_some(self.left_out)}",)


def _resident(
    sieve: _Sieve, paths: list[str], labels: Tensor, channels: int, size: tuple[int, int]
) -> ResidentImages:
    """Each file is decoded to its place, because a list of images would need the memory twice."""
    tensor = torch.empty(len(paths), *size, channels, dtype=torch.uint8)
    row = {path: number for number, path in enumerate(paths)}

    def read(path: str) -> int:
        tensor[row[path]] = decode(path, channels, size)
        return row[path]

    _, labels, rows = sieve.readable(read, paths, labels)
    if len(rows) < len(paths):
        tensor = tensor[torch.tensor(rows)]
    return ResidentImages(tensor=tensor, labels=labels, classes=sieve.classes)


def _some(bad: Sequence[Unreadable]) -> str:
    more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return ", ".join(map(str, bad[:_SHOWN])) + more


def _split_folder(folder: Path, split: str) -> Path:
    names = ("train",) if split == "train" else ("test", "val")
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    raise ValueError(
        f"{printable(folder)} has no folder {' or '.join(names)} "
        f"(expected {names[0]}/<class>/ with {', '.join(EXTENSIONS)} files)"
    )


def _listed(place: Path) -> tuple[tuple[str, ...], list[str], Tensor]:
    """Class names, paths, and int64 labels of the files, in the order of classes and then paths."""
    try:
        names = sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and _visible(entry.name))
    except OSError as error:
        _refuse(error)
    if not names:
        raise ValueError(f"{printable(place)} has no class folders")
    if len(names) == 1:
        raise ValueError(
            f"{printable(place)} has only one class, {names[0]!r}: there is nothing to tell apart"
        )
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        found = []
        for parent, folders, files in os.walk(place / name, onerror=_refuse):
            folders[:] = filter(_visible, folders)
            images = (file for file in files if _visible(file) and file.lower().endswith(EXTENSIONS))
            found += [os.path.join(parent, file) for file in images]
        if not found:
            raise ValueError(f"{printable(place / name)} has no {', '.join(EXTENSIONS)} file")
        paths += sorted(found)
        labels += [label] * len(found)
    return tuple(names), paths, torch.tensor(labels)


def _visible(name: str) -> bool:
    return not name.startswith(".")


def _refuse(error: OSError) -> NoReturn:
    raise ValueError(f"{printable(str(error.filename))}: {(error.strerror or str(error)).lower()}") from None


def _check_classes(place: Path, classes: tuple[str, ...], like: ImageSet | None) -> None:
    if like is None or classes == like.classes:
        return
    unseen = sorted(set(classes) - set(like.classes))
    missing = sorted(set(like.classes) - set(classes))
    what = f"{unseen[0]!r} is in no training image" if unseen else f"{missing[0]!r} is missing"
    raise ValueError(f"{printable(place)}: its class folders must be the training set's, but {what}")
