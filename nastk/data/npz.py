"""Images and labels from an .npz file, without ever unpickling anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from nastk.data.arrays import Arrays
from nastk.data.files import printable
from nastk.data.npz_file import ArrayHeader, open_npz, read_array, read_header

_KEYS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


@dataclass(frozen=True)
class StoredArray:
    """An array that is still in its file."""

    path: Path
    name: str
    header: ArrayHeader

    @property
    def dtype(self) -> np.dtype:
        return self.header.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.header.shape

    def read(self) -> np.ndarray:
        """ValueError if it is damaged, or larger than this machine's memory."""
        place = printable(self.path)
        with open_npz(self.path, place) as file:
            return read_array(file, self.name, place)


def find_in_npz(path: Path, split: Literal["train", "test"]) -> Arrays:
    """The two arrays of `split`, of which only the headers were read. ValueError if there are none."""
    place = printable(path)
    with open_npz(path, place) as file:
        image_name, label_name = _names(file, place, split)
        images, labels = (
            StoredArray(path, name, read_header(file, name, place)) for name in (image_name, label_name)
        )
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
