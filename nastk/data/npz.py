"""Images and labels from an .npz file, without ever unpickling anything."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from nastk.data.arrays import Arrays
from nastk.data.decoding import printable

_KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def read_npz(path: Path, split: Literal["train", "test"]) -> Arrays:
    """The two arrays of `split`; no others are read. ValueError if they cannot be."""
    place = printable(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ValueError(f"{place}: {(error.strerror or str(error)).lower()}") from None
    with stream, _opened(stream, place) as file:
        image_name, label_name = _names(file, place, split)
        images, labels = _array(file, image_name, place), _array(file, label_name, place)
    return Arrays(images, labels, place, image_name, label_name)


def _opened(stream: BinaryIO, place: str) -> np.lib.npyio.NpzFile:
    """The file, whose arrays are read when asked for. Given a path, numpy forgets to close broken ones."""
    if not stream.read(1):
        raise ValueError(f"{place}: 0 bytes")
    stream.seek(0)
    try:
        opened = np.load(stream, allow_pickle=False)
    except Exception:  # numpy and zipfile raise many types on foreign bytes
        opened = None
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise ValueError(f"{place}: not an .npz file, or a truncated one")
    return opened


def _names(file: np.lib.npyio.NpzFile, place: str, split: str) -> tuple[str, str]:
    present = set(file.files)
    for names in _KEYS[split]:
        missing = [name for name in names if name not in present]
        if not missing:
            return names
        if len(missing) == 1:
            raise ValueError(f"{place}: {missing[0]} is missing")
    wanted = " or ".join(" and ".join(names) for names in _KEYS[split])
    found = ", ".join(map(printable, sorted(present)[:8])) or "none"
    raise ValueError(f"{place}: expected the arrays {wanted}; found {found}")


def _array(file: np.lib.npyio.NpzFile, name: str, place: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns where it has to guess at a header
            array = file[name]
    except MemoryError:
        raise ValueError(f"{place}: {name} is too large for this machine's memory, or damaged") from None
    except Exception as error:  # as above; pickled objects are a ValueError
        if "allow_pickle" in str(error):
            raise ValueError(f"{place}: {name} holds pickled objects, which nastk never loads") from None
        raise ValueError(f"{place}: {name} cannot be read, the file is damaged or truncated") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{place}: {name} is no array")
    return array
