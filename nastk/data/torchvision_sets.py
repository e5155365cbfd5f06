"""Named sets in the form in which torchvision keeps and downloads them."""

from __future__ import annotations

import os
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nastk.data.arrays import Arrays, ReadArray
from nastk.data.files import is_there, printable
from nastk.data.named import NamedDataset

_STALLED = 30.0  # s without an answer from the network


@dataclass(frozen=True)
class _Split:
    """torchvision's class cut down to one split.

    files: its names in the set's folder. archives: where torchvision looks for what it would download,
    under the root, and their MD5 sums.
    """

    reader: Any
    files: list[str]
    archives: list[tuple[str, str]]


def read_torchvision(named: NamedDataset, root: Path, split: Literal["train", "test"]) -> Arrays:
    """The images of `split` as torchvision keeps them under `root`, else downloaded to there.

    Raises ValueError if there are such files but damaged ones, OSError if there are none and the
    download fails, which then leaves nothing behind.
    """
    assert named.torchvision is not None
    folder = root / named.torchvision.folder
    part = _split(named.torchvision.class_name, named.torchvision.folder, split)
    present = any(is_there(folder / name) for name in part.files)
    try:
        with _network_timeout(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, about the age of CIFAR's pickles
            if present:
                found = part.reader(root, train=split == "train")
            else:
                found = _downloaded(part, root, named.torchvision.folder, split)
    except Exception as error:  # torchvision raises RuntimeError, URLError, and what damaged files cause
        if not present:
            said = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
            raise OSError(said) from None
        raise ValueError(
            f"{printable(folder)}: files of {named.name}'s {split} split are missing, damaged or not the "
            f"original ones (checksum); move this folder away to download it again, or put "
            f"{named.name}.npz or {named.name}/train/<class>/ beside it"
        ) from None
    images, labels = ReadArray(np.asarray(found.data)), ReadArray(np.asarray(found.targets))
    return Arrays(images, labels, printable(folder), "images", "labels")


def _split(class_name: str, folder: str, split: str) -> _Split:
    """The original checks both splits, which reads the test images to load the training ones.

    The class's name stays, because torchvision makes a path of it.
    """
    from torchvision import datasets  # takes seconds, and most sets come from elsewhere

    original: Any = getattr(datasets, class_name)
    if hasattr(original, "resources"):  # the MNIST family
        prefix = "train-" if split == "train" else "t10k-"
        parts = [(name, md5) for name, md5 in original.resources if name.startswith(prefix)]
        return _Split(
            reader=type(class_name, (original,), {"resources": parts}),
            files=[name.removesuffix(".gz") for name, _ in parts],
            archives=[(f"{folder}/{name}", md5) for name, md5 in parts],
        )
    other = "test_list" if split == "train" else "train_list"
    return _Split(
        reader=type(class_name, (original,), {other: []}),
        files=[name for name, _ in getattr(original, f"{split}_list")],
        archives=[(original.filename, original.tgz_md5)],
    )


def _downloaded(part: _Split, root: Path, folder: str, split: str) -> Any:
    """What torchvision read. Its files come to `root` when all of them are whole."""
    from torchvision.datasets.utils import check_integrity

    with _folder_in(root) as place:
        for archive, md5 in part.archives:
            if check_integrity(root / archive, md5):  # fetched before
                (place / archive).parent.mkdir(parents=True, exist_ok=True)
                (place / archive).symlink_to((root / archive).resolve())
        found = part.reader(place, train=split == "train", download=True)
        (root / folder).mkdir(parents=True, exist_ok=True)
        for path in (place / folder).iterdir():
            if path.suffix != ".gz":
                os.replace(path, root / folder / path.name)
        return found


@contextmanager
def _folder_in(root: Path) -> Iterator[Path]:
    """A folder that goes when the block ends; if it fails, so do those that were made to hold it."""
    made = [place for place in (root, *root.parents) if not is_there(place)]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".nastk-download-", dir=root) as name:
            yield Path(name)
    except BaseException:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        raise


@contextmanager
def _network_timeout() -> Iterator[None]:
    """torchvision sets none, so that a firewall that swallows packets would hang it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALLED)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
