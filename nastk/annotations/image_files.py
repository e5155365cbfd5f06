"""The image files that annotations are of: where they lie, and how large they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nastk.annotations.review import Review
from nastk.data.decoding import read_header
from nastk.data.files import printable
from nastk.data.listing import images_below
from nastk.data.reading import Unreadable, attempt_all

Size = tuple[int, int]

# (H, W) in pixels of every file in order, as it is to be seen, or why it has none.
Sizes = Callable[[Sequence[str]], "Sequence[Size | str]"]


def read_sizes(paths: Sequence[str]) -> list[Size | str]:
    """By opening every file."""
    headers = attempt_all(read_header, paths, _threads())
    return [header.reason if isinstance(header, Unreadable) else header.size for header in headers]


def known_sizes(paths: Sequence[str], sizes: Sizes, review: Review) -> list[Size | None]:
    """Of every file; None where there is none, which is told to `review` as a fault."""
    found: list[Size | None] = []
    for path, size in zip(paths, sizes(paths), strict=True):
        if isinstance(size, str):
            review.fault(f"image {printable(path)}", size)
        found.append(None if isinstance(size, str) else size)
    return found


def image_paths(folder: Path) -> list[str]:
    """The images below a folder, sorted; ValueError if it cannot be looked into."""
    return images_below(folder, _threads())[0]


def by_stem(folder: Path) -> dict[str, str]:
    """The images below a folder by their paths in it, without what their names end in; ValueError where two are
    told apart by that alone."""
    found: dict[str, str] = {}
    for path in image_paths(folder):
        stem = os.path.splitext(os.path.relpath(path, folder))[0]
        if stem in found:
            raise ValueError(
                f"{printable(found[stem])} and {printable(path)} have one name: leave one of them"
            )
        found[stem] = path
    return found


def in_words(size: Size) -> str:
    """ "640 pixels wide and 480 high"."""
    return f"{size[1]} pixels wide and {size[0]} high"


def _threads() -> int:
    return os.cpu_count() or 1
