"""Where a data set lies, and the parts that it has there: nothing is read yet but lists and headers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nastk import registry
from nastk.data.arrays import Arrays
from nastk.data.files import is_there, printable, reason_of
from nastk.data.layouts import Layout, find_layout
from nastk.data.listing import Lister
from nastk.data.lists import csv_parts
from nastk.data.named import NamedDataset
from nastk.data.npz import find_in_npz, parts_in_npz
from nastk.data.parts import Part
from nastk.data.torchvision_sets import read_torchvision
from nastk.data.unpacking import unpacked
from nastk.schema import DataConfig

_EMBEDDED = Path(__file__).parent  # the sets that come with nastk: <name>.npz
_UNPACKED = "unpacked"  # where archives go, below the data directory
_FILES = "a .csv, a .zip or an .npz file"


@dataclass(frozen=True)
class Files:
    """A set of image files. place: for messages. notes: how it was found, for the user."""

    place: Path
    parts: Mapping[Part, Lister]
    notes: tuple[str, ...] = ()
    where_tests = "folder test or val"


@dataclass(frozen=True)
class Stored:
    """A set of arrays, which are found when asked for."""

    place: Path
    parts: Mapping[Part, Callable[[], Arrays]]
    notes: tuple[str, ...] = ()
    where_tests = "arrays x_test and y_test (or test_images and test_labels)"


def find_dataset(config: DataConfig, named: NamedDataset | None) -> Files | Stored:
    """named: the known set that `data.dataset` names. ValueError, in the user's words, where there is nothing
    that can be read."""
    if named is None:
        return _unnamed(config)
    if named.torchvision is None:
        return _npz(_EMBEDDED / f"{named.name}.npz")
    root = data_root(config)
    file, folder = root / f"{named.name}.npz", root / named.name
    try:
        if is_there(file):
            return _npz(file)
        if is_there(folder / "train"):
            return _files(folder, find_layout(folder))
    except OSError as error:
        raise ValueError(f"{printable(root)}: {reason_of(error)}") from None
    return Stored(root, {part: partial(_from_torchvision, root, named, part) for part in ("train", "test")})


def data_root(config: DataConfig) -> Path:
    """Where known names are looked for: `data.dir`, else $NASTK_DATA, else ~/.cache/nastk."""
    root = Path(config.dir or os.environ.get("NASTK_DATA") or "~/.cache/nastk")
    try:
        return root.expanduser()
    except RuntimeError:
        raise ValueError(f"{printable(root)}: there is no such user") from None


def _unnamed(config: DataConfig) -> Files | Stored:
    path = _existing(config.dataset)
    if os.path.isdir(path):
        return _files(path, find_layout(path))
    kind = path.suffix.lower()
    if kind == ".npz":
        return _npz(path)
    if kind == ".csv":
        return Files(path, csv_parts(path))
    if kind == ".zip":
        folder = unpacked(path, data_root(config) / _UNPACKED)
        note = f"{printable(path)} was unpacked to {printable(folder)}"
        return _files(path, find_layout(folder, strange=True), note)
    raise ValueError(f"{printable(path)} is neither a directory of class folders nor {_FILES}")


def _existing(dataset: str) -> Path:
    try:
        path = Path(dataset).expanduser()
        exists = is_there(path)
    except RuntimeError:
        raise ValueError(f"{printable(dataset)}: there is no such user") from None
    except OSError as error:
        raise ValueError(f"{printable(path)}: {reason_of(error)}") from None
    if exists:
        return path
    if path.name == dataset and not path.suffix:
        raise registry.unknown("data set", dataset, registry.DATASETS)
    raise ValueError(f"{printable(path)} does not exist (expected a directory, {_FILES})")


def _files(place: Path, layout: Layout, *notes: str) -> Files:
    return Files(place, layout.parts, (*notes, *layout.notes))


def _npz(path: Path) -> Stored:
    return Stored(path, {part: partial(find_in_npz, path, part) for part in parts_in_npz(path)})


def _from_torchvision(root: Path, named: NamedDataset, part: Part) -> Arrays:
    assert part != "validation"
    try:
        return read_torchvision(named, root, part)
    except OSError as error:
        assert named.torchvision is not None
        looked = (f"{named.name}.npz", f"{named.name}/train/", f"{named.torchvision.folder}/")
        raise ValueError(
            f"{named.name} is not in {printable(root)} (looked for {', '.join(looked)}) and cannot be "
            f"downloaded ({error}); put one of these there, or say where they are with --data-dir or $NASTK_DATA"
        ) from None
