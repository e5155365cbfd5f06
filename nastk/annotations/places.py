"""Where annotations may be: a folder, folders around it that hold nothing else, or a .zip of these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nastk.data.files import is_there, printable
from nastk.data.listing import entries_of
from nastk.data.parts import Part, part_named
from nastk.data.unpacking import unpacked

_DEEPEST = 3  # folders around a set
_UNPACKED = "unpacked"  # where archives go, below the data directory, as those of labelled images do

T = TypeVar("T")


def existing_folder(place: Path, root: Path, *files: str) -> Path:
    """The folder, or the one that an archive was unpacked to. root: the data directory. files: what else may be
    named, for messages. ValueError if there is neither."""
    *first, last = "a folder", "a .zip", *files
    kinds = f"{', '.join(first)} or {last}"
    if not is_there(place):
        raise ValueError(f"{printable(place)} does not exist (expected {kinds})")
    if place.is_dir():
        return place
    if place.suffix.lower() == ".zip":
        return unpacked(place, root / _UNPACKED)
    raise ValueError(f"{printable(place)} is not {kinds}")


def find_below(folder: Path, find: Callable[[Path], T | None], missing: str) -> T:
    """What `find` says of the folder, or of the one that is alone in it, and so on. missing: what it
    has none of, and what would be right, for the ValueError where nothing is found."""
    place = folder
    for _ in range(_DEEPEST + 1):
        found = find(place)
        if found:
            return found
        folders, _files = entries_of(place)
        if len(folders) != 1:
            break
        place /= folders[0]
    raise ValueError(f"{printable(place)} has no {missing}")


def part_of(name: str) -> Part | None:
    """Of a folder as train or train2017."""
    return part_named(name.rstrip("0123456789"))


def called(place: Path, *names: str) -> Path | None:
    """The folder in `place` that has one of the names, in any case."""
    return next((place / found for found in entries_of(place)[0] if found.lower() in names), None)
