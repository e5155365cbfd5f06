"""The parts of a data set by the names that people give them, and what lies beside images unasked."""

from __future__ import annotations

from typing import Literal

Part = Literal["train", "validation", "test"]

_SPELLINGS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
_PARTS: dict[str, Part] = {name: part for part, names in _SPELLINGS.items() for name in names}

# Besides what is hidden by a dot: of macOS, Windows, Synology's disks, Python, and of Linux's own.
_LITTER = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "__pycache__", "lost+found"),
}


def part_named(name: str) -> Part | None:
    """The part that a folder or a word of a list stands for, in any case; None: it is none's name."""
    return _PARTS.get(name.strip().lower())


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or what systems leave behind: nobody's image."""
    return name.startswith(".") or name.lower() in _LITTER
