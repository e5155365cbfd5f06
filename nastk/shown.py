"""Values and texts as messages show them: short, printable, in one line, whatever they are."""

from __future__ import annotations

import reprlib
from typing import Any

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def shown(value: Any) -> str:
    """A value as a message shows it: its repr, kept short in length and in depth."""
    return _SHORT.repr(value)


def one_line(text: str, limit: int = 1_500) -> str:
    """`text` with what cannot be printed escaped, and cut to at most `limit` characters."""
    line = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[: limit + 1]
    )
    return line if len(line) <= limit else line[: limit - 3] + "..."
