"""Where in a text genotypes stand: Genotype(...) in a file of Python or YAML, in a log, in a command line.

Only looked for here, by brackets, quotes and comments; nothing is understood, and any text takes linear time.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from nastk.registry import unknown

_CALL = r"(?<!\w)(?:CNN|RNN)?Genotype\s{0,9}\("
BEGINNING = re.compile(_CALL)
# Strings have no backslashes here: an unmatched quote then costs no more than the way to the next one.
_TOKEN = re.compile(rf"""(?P<call>{_CALL})|'[^'\\\n]*'|"[^"\\\n]*"|#[^\n]*|[][(){{}}\n]""")
_SHOWN_NAMES = 1_000  # characters of a message


@dataclass(frozen=True)
class Call:
    """A genotype's place.

    name: what it is assigned to. text: from `Genotype` to its closing bracket. is_doubtful: commented out, or
    never closed.
    """

    name: str | None
    text: str
    is_doubtful: bool


def find(text: str) -> list[Call]:
    """The genotypes of a text, in order; the doubtful ones only if there are no others."""
    calls = []
    at = 0
    while beginning := BEGINNING.search(text, at):
        end, is_closed = _end(text, beginning.end())
        if "'" in text[beginning.end() : end] or '"' in text[beginning.end() : end]:
            before = text[at : beginning.start()]
            line = before[before.rfind("\n") + 1 :]
            is_doubtful = line.lstrip().startswith("#") or not is_closed
            calls.append(Call(_name(before), text[beginning.start() : end], is_doubtful))
        at = end
    return [call for call in calls if not call.is_doubtful] or calls


def choose(names: list[str | None], name: str | None) -> int:
    """The place of the genotype of that name or number (from 1) among those of `names`.

    Raises ValueError if there is no such one, or if there are several and `name` says nothing.
    """
    labels = _labels(names)
    if name is None:
        if len(names) == 1:
            return 0
        raise ValueError(f"{len(names)} genotypes: {_listed(labels)}; FILE:NAME picks one")
    if name in labels:
        return labels.index(name)
    if name.isascii() and name.isdigit() and 0 < int(name[:9]) <= len(names):
        return int(name[:9]) - 1
    namesakes = [str(number) for number, other in enumerate(names, start=1) if other == name]
    if namesakes:
        raise ValueError(
            f"{len(namesakes)} genotypes are called {name}: {_listed(namesakes)}; FILE:NUMBER picks one"
        )
    raise unknown("genotype", name, labels[:50])


def _end(text: str, at: int) -> tuple[int, bool]:
    """Where a call ends whose bracket opens before `at`, and whether it is closed.

    One that is not, as in a log that was cut off, ends where another begins on a later line.
    """
    depth = 1
    is_later_line = False
    for token in _TOKEN.finditer(text, at):
        if token["call"]:
            if is_later_line:
                return token.start(), False
            depth += 1
        elif token[0] == "\n":
            is_later_line = True
        elif token[0] in "([{":
            depth += 1
        elif token[0] in ")]}":
            depth -= 1
        if depth == 0 and text[token.end() : token.end() + 1] not in ("(", "["):
            return token.end(), True
    return len(text), False


def _name(before: str) -> str | None:
    """The name that ends a text: NAME =, NAME: or "NAME",; None if there is none."""
    before = _without_module(before).rstrip(" \t\r\n\\\"'(")
    separator = before[-1:]
    before = before[:-1].rstrip()
    if separator not in ("=", ":", ",") or (separator == "," and before[-1:] not in ("'", '"')):
        return None
    last_word = re.match(r"\w*", before.rstrip("\"'")[::-1])
    name = last_word[0][::-1] if last_word else ""
    return name if name.isidentifier() else None


def _without_module(before: str) -> str:
    """A text without the `genotypes.` at its end."""
    if not before.endswith("."):
        return before
    module = re.match(r"[\w.]*", before[::-1])
    return before[: len(before) - len(module[0])] if module else before


def _labels(names: list[str | None]) -> list[str]:
    """What each is called where its name is its own, else its number."""
    times = Counter(names)
    return [
        name if name is not None and times[name] == 1 else str(number)
        for number, name in enumerate(names, start=1)
    ]


def _listed(labels: list[str]) -> str:
    """All labels, or as many as a message can hold and the last."""
    length = 0
    for number, label in enumerate(labels[:-1]):
        length += len(label) + 2
        if length > _SHOWN_NAMES or (label.isdigit() and number >= 5):
            return f"{', '.join(labels[:number])} ... {labels[-1][:100]}"
    return ", ".join(labels)
