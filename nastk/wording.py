"""Words of messages: how many of what there are, and the known name that was meant by a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST = 3  # characters of a name below which nothing is guessed


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """ "1 image", "2,000 images"; plural: of a noun that does not simply take an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for; None where none is near.

    Near is what differs in case and punctuation only, in one letter in four (at least one: a letter more, less,
    another one, or two that changed places), or what is the beginning of the other one, and half of it where it
    is the known one. Of several the nearest, of equally near ones the first.
    """
    given = _letters(name)
    if len(given) < SHORTEST:
        return None
    found: list[tuple[int, int, str]] = []
    for other in known:
        letters = _letters(other)
        distance = _distance(given, letters)
        begins = letters.startswith(given) or (
            given.startswith(letters) and len(letters) >= max(SHORTEST, len(given) / 2)
        )
        if distance <= max(1, len(given) // 4) or begins:
            found.append((distance, len(found), other))
    return min(found)[2] if found else None


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _distance(one: str, other: str) -> int:
    """Letters to put in, take out, replace, or swap with their neighbour to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]
