"""Images and labels from an .npz file, without ever unpickling anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from nastk.data.arrays import Arrays
from nastk.data.decoding import printable
from nastk.data.npz_file import open_npz, read_array

_KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def read_npz(path: Path, split: Literal["train", "test"]) -> Arrays:
    """The two arrays of `split`; no others are read. ValueError if they cannot be."""
    place = printable(path)
    with open_npz(path, place) as file:
        image_name, label_name = _names(file, place, split)
        images, labels = read_array(file, image_name, place), read_array(file, label_name, place)
    return Arrays(images, labels, place, image_name, label_name)


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
