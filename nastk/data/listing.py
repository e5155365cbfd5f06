"""What lies in class folders: the images of every class, and what else there is."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from nastk.data.decoding import read_header
from nastk.data.files import open_file, printable, reason_of
from nastk.data.formats import EXTENSIONS, LONGEST, format_of
from nastk.data.parts import is_litter
from nastk.data.reading import Unreadable, attempt_all

_KINDS_SHOWN = 4


@dataclass(frozen=True)
class Listing:
    """The files of one part of a data set, in the order of the classes and then of the paths.

    place: where they were listed, for messages. classes: their names, sorted. labels: int64 [N]. notes: what
    else lies there, for the user.
    """

    place: Path
    classes: tuple[str, ...]
    paths: list[str]
    labels: Tensor
    notes: tuple[str, ...] = ()


# Lists a part's files, by so many threads. Of training images (None) every class must have some, and there
# must be two of them; of others, whose training set has the given classes, those that are there are listed.
Lister = Callable[[int, "tuple[str, ...] | None"], Listing]


def list_classes(place: Path, threads: int, known: tuple[str, ...] | None = None) -> Listing:
    """The images below the folders in `place`, at any depth; hidden files and folders do not count.

    An image is what has the extension of one (to be found unreadable later, if it is) or begins like one.
    known: the training set's classes. Raises ValueError where there is nothing to tell apart, or that cannot
    be listed.
    """
    names, beside = _class_folders(place)
    if known is None:
        check_several(place, names)
    paths_of: dict[str, list[str]] = {}
    others = [(path, "in no class folder") for path in beside]
    for name in names:
        paths_of[name], left_out = images_below(place / name, threads)
        if not paths_of[name] and known is None:
            _refuse_empty(place / name, left_out)
        others += left_out
    notes = left_out_note(place, others)
    return listing_of(place, {name: paths for name, paths in paths_of.items() if paths}, *notes)


def listing_of(place: Path, paths_of: Mapping[str, Sequence[str]], *notes: str) -> Listing:
    """The paths of every class, put in order. ValueError if there are none."""
    if not paths_of:
        _refuse_empty(place, [])
    classes = tuple(sorted(paths_of))
    paths = [path for name in classes for path in sorted(paths_of[name])]
    labels = [label for label, name in enumerate(classes) for _ in paths_of[name]]
    return Listing(place, classes, paths, torch.tensor(labels), notes)


def check_several(place: Path, names: Collection[str]) -> None:
    """Raise ValueError unless there are two classes or more."""
    if len(names) == 1:
        (only,) = names
        raise ValueError(f"{printable(place)} has only one class, {only!r}: there is nothing to tell apart")


def list_images(folder: Path, threads: int) -> tuple[list[str], tuple[str, ...]]:
    """The images below a folder, whatever folders they are in, and what else lies there, for the user.

    Which files count is said at `list_classes`. ValueError if there is none, or what cannot be listed.
    """
    images, others = images_below(folder, threads)
    if not images:
        _refuse_empty(folder, others)
    return images, left_out_note(folder, others)


def images_below(folder: Path, threads: int) -> tuple[list[str], list[tuple[str, str]]]:
    """The paths of the images below a folder, sorted, and those of its other files, each with what it is."""
    found = list(_files_below(folder))
    images = [path for path in found if path.lower().endswith(EXTENSIONS)]
    unknown = sorted(path for path in found if not path.lower().endswith(EXTENSIONS))
    others = []
    for path, kind in zip(unknown, attempt_all(_what_else, unknown, threads), strict=True):
        if kind is None:
            images.append(path)
        else:
            others.append((path, kind.reason if isinstance(kind, Unreadable) else kind))
    return sorted(images), others


def left_out_note(place: Path, others: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    if not others:
        return ()
    files = "1 other file" if len(others) == 1 else f"{len(others):,} other files"
    return (f"left out {files} of {printable(place)}: {_by_kind(others)}",)


def _refuse_empty(folder: Path, others: Sequence[tuple[str, str]]) -> NoReturn:
    only = f", only {_by_kind(others)}" if others else ""
    raise ValueError(f"{printable(folder)} has no image ({', '.join(EXTENSIONS)}){only}")


def _class_folders(place: Path) -> tuple[list[str], list[str]]:
    """The names of the folders in `place`, sorted, and the paths of the files between them."""
    folders, files = entries_of(place)
    if not folders:
        raise ValueError(f"{printable(place)} has no class folders")
    return folders, [os.path.join(place, name) for name in files]


def entries_of(place: Path) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files in `place`, each sorted, without litter; ValueError if it
    cannot be looked into."""
    try:
        entries = [entry for entry in os.scandir(place) if not is_litter(entry.name)]
    except OSError as error:
        _refuse(error)
    folders = sorted(entry.name for entry in entries if _is_folder(entry))
    return folders, sorted(entry.name for entry in entries if not _is_folder(entry))


def _files_below(folder: Path) -> Iterator[str]:
    """What is no folder; a folder that links lead to again and again is looked into once."""
    seen = set()
    waiting = [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        try:
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = [entry for entry in os.scandir(place) if not is_litter(entry.name)]
        except OSError as error:
            _refuse(error)
        for entry in entries:
            if _is_folder(entry):
                waiting.append(entry.path)
            else:
                yield entry.path


def _what_else(path: str) -> str | None:
    """What a file is that has no image's extension; None: an image all the same."""
    try:
        with open_file(path) as stream:
            kind = format_of(stream.read(LONGEST))
    except OSError as error:
        return reason_of(error)
    if kind == "TIFF" and read_header(path).preview:  # cameras' raw files, of which Pillow reads no more
        kind = None
    return None if kind else os.path.splitext(path)[1].lower() or "without an extension"


def _by_kind(others: Sequence[tuple[str, str]]) -> str:
    """How many there are of which kind, each with a file."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for path, kind in others:
        kinds[kind].append(path)
    most = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    shown = [
        f"{len(paths):,} {kind.removeprefix('a ')} ({printable(paths[0])})"
        for kind, paths in most[:_KINDS_SHOWN]
    ]
    if rest := most[_KINDS_SHOWN:]:
        shown.append(f"{sum(len(paths) for _, paths in rest):,} of other kinds")
    return ", ".join(shown)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _refuse(error: OSError) -> NoReturn:
    raise ValueError(f"{printable(str(error.filename))}: {reason_of(error)}") from None
