"""Which of a folder's json files are COCO's, which part each is of, and where its images may lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nastk.annotations.places import part_of
from nastk.data.files import is_there, printable
from nastk.data.listing import entries_of
from nastk.data.parts import Part, part_named

_KNOWN = {"coco", "instances", "annotations", "annotation", "result", "default"}  # words of files' names,
_OTHERS = {"captions", "panoptic", "stuff", "info"}  # and of those that have neither boxes nor joints
_KEYPOINTS = "keypoints"
_FOLDER = "annotations"


@dataclass(frozen=True)
class CocoFile:
    """folders: where the images may lie, the likeliest first."""

    path: Path
    folders: Sequence[Path]


def coco_files(place: Path, *, keypoints: bool = False) -> dict[Part, CocoFile]:
    """Those of boxes or of keypoints; ValueError where two are of one part."""
    files: dict[Part, Path] = {}
    for path, part in _with_parts(place, keypoints):
        if part in files:
            raise ValueError(
                f"{printable(files[part])} and {printable(path)} are both of {part}: leave one of them"
            )
        files[part] = path
    return {part: _coco_file(place, path, part) for part, path in files.items()}


def lone_coco_file(path: Path) -> CocoFile:
    """A file that is named by itself, with its images around it."""
    place = path.parent.parent if path.parent.name.lower() == _FOLDER else path.parent
    return _coco_file(place, path, _part_in(path.name) or "train")


def _coco_file(place: Path, path: Path, part: Part) -> CocoFile:
    """Its images lie in the folder of the part, in a folder images, or beside it."""
    beside = dict.fromkeys((path.parent, place))
    around = [*(base / "images" for base in beside if is_there(base / "images")), *beside]
    own = [base / name for base in around for name in entries_of(base)[0] if part_of(name) == part]
    return CocoFile(path, [*dict.fromkeys([*own, *around])])


def _with_parts(place: Path, keypoints: bool) -> list[tuple[Path, Part]]:
    """With the part that a file or its folder is called after; one that is called after none is of training images
    if it is the only one. Of keypoints are those that are called so, if any is."""
    found: list[tuple[Path, Part | None, bool]] = []
    folders, _ = entries_of(place)
    for name in ("", *(name for name in folders if name.lower() == _FOLDER or part_of(name))):
        for file in entries_of(place / name)[1]:
            words = _words(file)
            part = part_of(name) or _part_in(file)
            called = _KEYPOINTS in words
            if (
                words[-1:] == ["json"]
                and (part or called or _KNOWN & set(words))
                and not _OTHERS & set(words)
            ):
                found.append((place / name / file, part, called))
    wanted = keypoints and any(called for *_, called in found)
    kept = [(path, part) for path, part, called in found if called == wanted]
    if len(kept) == 1:
        return [(kept[0][0], kept[0][1] or "train")]
    return [(path, part) for path, part in kept if part]


def _part_in(name: str) -> Part | None:
    return next(filter(None, map(part_named, _words(name))), None)


def _words(name: str) -> list[str]:
    return re.findall("[a-z]+", name.lower())
