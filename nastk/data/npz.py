"""Images and labels from an .npz file, without ever unpickling anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nastk.data.arrays import Arrays
from nastk.data.files import printable
from nastk.data.npz_file import ArrayHeader, open_npz, read_array, read_header
from nastk.data.parts import Part

_KEYS: dict[Part, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels"), ("x_valid", "y_valid")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
_CLASSES = ("classes", "class_names")
_LONGEST = 2**20  # bytes of all classes' names


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


def parts_in_npz(path: Path) -> set[Part]:
    """Those of which there is any array, and training images, without which there is no set."""
    with open_npz(path, printable(path)) as file:
        present = set(file.files)
    return {
        part
        for part, keys in _KEYS.items()
        if part == "train" or any(name in present for names in keys for name in names)
    }


def find_in_npz(path: Path, part: Part) -> Arrays:
    """The two arrays of `part`, of which only the headers were read, and the classes' names, if it has them.

    ValueError if there are no such arrays.
    """
    place = printable(path)
    with open_npz(path, place) as file:
        image_name, label_name = _names(file, place, part)
        images, labels = (
            StoredArray(path, name, read_header(file, name, place)) for name in (image_name, label_name)
        )
        class_names, notes = _class_names(file, place)
    return Arrays(images, labels, place, image_name, label_name, class_names, notes)


def _names(file: np.lib.npyio.NpzFile, place: str, part: Part) -> tuple[str, str]:
    present = set(file.files)
    for names in _KEYS[part]:
        missing = [name for name in names if name not in present]
        if not missing:
            return names
        if len(missing) == 1:
            raise ValueError(f"{place}: {missing[0]} is missing")
    wanted = " or ".join(" and ".join(names) for names in _KEYS[part])
    found = ", ".join(map(printable, sorted(present)[:8])) or "none"
    raise ValueError(f"{place}: expected the arrays {wanted}; found {found}")


def _class_names(file: np.lib.npyio.NpzFile, place: str) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The names in the order of the labels; None if there are none, and a note if there are such that cannot be
    taken: then the classes are called by their numbers."""
    present = [name for name in _CLASSES if name in file.files]
    if not present:
        return None, ()
    what = f"{place}: {' and '.join(present)}"
    try:
        found = {_texts(read_array(file, name, place)) for name in present if _is_short(file, name, place)}
    except ValueError as error:
        return None, (f"{error}; classes are called by their numbers",)
    if len(found) == 1 and (names := found.pop()):
        return names, ()
    return None, (f"{what}: not one name for each class; classes are called by their numbers",)


def _is_short(file: np.lib.npyio.NpzFile, name: str, place: str) -> bool:
    return read_header(file, name, place).nbytes <= _LONGEST


def _texts(array: np.ndarray) -> tuple[str, ...]:
    """Of texts, bytes or whole numbers [K]; nothing if they are no such, or not all different."""
    if array.ndim != 1 or array.dtype.kind not in "USiu":
        return ()
    texts = [
        text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in array.tolist()
    ]
    return tuple(texts) if all(texts) and len(set(texts)) == len(texts) else ()
