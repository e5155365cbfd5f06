"""Named sets in the form in which torchvision keeps and downloads them."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nastk.data.arrays import Arrays
from nastk.data.decoding import printable
from nastk.data.named import NamedDataset

_STALLED = 30.0  # s without an answer from the network


def read_torchvision(named: NamedDataset, root: Path, split: Literal["train", "test"]) -> Arrays:
    """The images of `split` as torchvision keeps them under `root`, else downloaded to there.

    Raises ValueError if there are such files but damaged ones, OSError if there are none and the
    download fails.
    """
    assert named.torchvision is not None
    folder = root / named.torchvision.folder
    reader, files = _reader(named.torchvision.class_name, split)
    present = any((folder / name).exists() for name in files)
    try:
        with _network_timeout(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, about the age of CIFAR's pickles
            found = reader(root, train=split == "train", download=not present)
    except Exception as error:  # torchvision raises RuntimeError, URLError, and what damaged files cause
        if not present:
            raise OSError(" ".join(str(error).split()) or type(error).__name__) from None
        raise ValueError(
            f"{printable(folder)}: files of {named.name}'s {split} split are missing, damaged or not the "
            f"original ones (checksum); move this folder away to download it again, or put "
            f"{named.name}.npz or {named.name}/train/<class>/ beside it"
        ) from None
    return Arrays(np.asarray(found.data), np.asarray(found.targets), printable(folder), "images", "labels")


def _reader(class_name: str, split: str) -> tuple[Any, list[str]]:
    """torchvision's class cut down to one split, and that split's files.

    The original checks both splits, which reads the test images to load the training ones. The name
    stays, because torchvision makes a path of it.
    """
    from torchvision import datasets  # takes seconds, and most sets come from elsewhere

    original: Any = getattr(datasets, class_name)
    if hasattr(original, "resources"):  # the MNIST family
        prefix = "train-" if split == "train" else "t10k-"
        parts = [(name, md5) for name, md5 in original.resources if name.startswith(prefix)]
        files = [name.removesuffix(".gz") for name, _ in parts]
        return type(class_name, (original,), {"resources": parts}), files
    files = [name for name, _ in getattr(original, f"{split}_list")]
    other = "test_list" if split == "train" else "train_list"
    return type(class_name, (original,), {other: []}), files


@contextmanager
def _network_timeout() -> Iterator[None]:
    """torchvision sets none, so that a firewall that swallows packets would hang it."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_STALLED)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
