"""The layouts of folders of images that people have, and the parts of a data set in each.

train/<class>/*, test/<class>/* (or val, valid, validation; training, testing), in any case
<class>/*                                      all of it training images
train/<class>/images/*, val/images/* with val/val_annotations.txt        as Tiny-ImageNet
labels.csv with images beside it or below
any of these in a folder that holds nothing else
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nastk.data.files import printable
from nastk.data.formats import EXTENSIONS
from nastk.data.listing import Lister, entries_of, list_classes
from nastk.data.lists import csv_parts, read_annotations
from nastk.data.parts import Part, part_named
from nastk.wording import counted

_DEEPEST = 3  # folders around a set
_SHOWN = 3  # names of folders that a note has
_ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Layout:
    """What lists the images of each part that there is. notes: what lies beside them, for the user."""

    parts: Mapping[Part, Lister]
    notes: tuple[str, ...] = ()


def find_layout(folder: Path, *, strange: bool = False) -> Layout:
    """The layout of a folder, of training images at least.

    Of a part that has a folder of its own nothing is opened or listed here but the training folder's entries.
    strange: the folder is a stranger's archive, whose lists may not lead out of it. ValueError for a folder
    that is in no such layout or in two at once.
    """
    place = folder
    for _ in range(_DEEPEST + 1):
        folders, files = entries_of(place)
        layout = _split_folders(place, folders)
        if layout:
            return layout
        lists = _lists(files)
        inner, inner_files = entries_of(place / folders[0]) if len(folders) == 1 else ([], [])
        if lists:
            if len(folders) > 1 or inner:
                raise ValueError(
                    f"{printable(place)} holds folders and a list: name the list as the data set "
                    f"({printable(place / lists[0])}), or the folders without it"
                )
            return Layout(csv_parts(_only_list(place, lists), within=folder if strange else None))
        if all(map(part_named, folders)):
            break
        if not inner and not _lists(inner_files):  # classes; only one of them is told of when it is listed
            return Layout({"train": partial(list_classes, place)})
        place /= folders[0]
    raise ValueError(
        f"{printable(place)} has no folder train (expected train/<class>/, or folders of two classes or more, "
        f"with {', '.join(EXTENSIONS)} files)"
    )


def _split_folders(place: Path, folders: Sequence[str]) -> Layout | None:
    """Of the folders that are called as parts; None if there are no such, or if they are classes by these names."""
    names: dict[Part, list[str]] = defaultdict(list)
    for name in folders:
        if part := part_named(name):
            names[part].append(name)
    others = len(folders) > sum(map(len, names.values()))
    if "train" not in names:
        if others and (split := _with_folders(place, names)):
            raise ValueError(f"{printable(place)} has a folder {split} but no folder train")
        return None
    if others and not _with_folders(place, {"train": names["train"]}):
        return None
    for found in names.values():
        if len(found) > 1:
            raise ValueError(f"{printable(place)} has both {found[0]} and {found[1]}: leave one of them")
    parts: dict[Part, Lister] = {
        part: partial(list_classes, place / found[0]) for part, found in names.items()
    }
    if "validation" in parts and os.path.exists(place / names["validation"][0] / _ANNOTATIONS):
        # The test images of Tiny-ImageNet have no labels.
        validation = place / names["validation"][0]
        parts["validation"] = partial(read_annotations, validation / _ANNOTATIONS, validation / "images")
        parts.pop("test", None)
    notes = []
    if others:
        left = [name for name in folders if not part_named(name)]
        some = ", ".join(map(printable, left[:_SHOWN])) + (", ..." if len(left) > _SHOWN else "")
        notes.append(f"left out {counted(len(left), 'other folder')} of {printable(place)}: {some}")
    return Layout(parts, tuple(notes))


def _with_folders(place: Path, names: Mapping[Part, Sequence[str]]) -> str | None:
    """The first of the folders that holds folders itself, as those of a split do and those of a class do not."""
    found = (name for spellings in names.values() for name in spellings)
    return next((name for name in found if entries_of(place / name)[0]), None)


def _lists(files: Sequence[str]) -> list[str]:
    return [name for name in files if name.lower().endswith(".csv")]


def _only_list(place: Path, lists: Sequence[str]) -> Path:
    if len(lists) > 1:
        raise ValueError(
            f"{printable(place)} holds several lists ({', '.join(map(printable, lists[:3]))}): "
            f"say which one as the data set ({printable(place / lists[0])})"
        )
    return place / lists[0]
