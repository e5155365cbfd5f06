"""What a text holds, before anyone asks what it means: JSON, Genotype(...) among other things, or Python.

A file of Python, YAML or a log may hold several genotypes, of which a name or a number picks one.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from nastk.notations.texts import calls, literals
from nastk.shown import shown

_BLANK = re.compile(r"\s*")
_NAME = r"(?:\w+\s*=\s*)?"  # NAME = Genotype(...), as in the authors' files
_CALL = re.compile(rf"\s*{_NAME}(?=(?:CNN|RNN)?Genotype)")
# OPERATION=0: (...) says how operations are counted that are written as numbers
_VALUE = re.compile(rf"\s*(?:(?P<first>\w+)\s*=\s*0\s*:\s*|{_NAME})(?=[{{(\[])")


class Found(NamedTuple):
    """What a text holds.

    value: of JSON or Python. is_call: it is the fields of Genotype(...). first: the operation counted as 0.
    """

    value: Any
    is_call: bool = False
    first: str | None = None


def without_comments(text: str) -> str:
    """The text behind the blank lines and comments (Python's and YAML's) that it begins with."""
    at = 0
    while blank := _BLANK.match(text, at):
        at = blank.end()
        if not text.startswith("#", at):
            break
        end = text.find("\n", at)
        at = end if end >= 0 else len(text)
    return text[at:]


def is_value(text: str) -> bool:
    """Whether it looks like what `find` finds, if perhaps a wrong one, rather than like a file's name."""
    return bool(_VALUE.match(without_comments(text)) or calls.BEGINNING.search(text))


def check_alone(name: str | None) -> None:
    """ValueError if what is the only one, and has no name, is asked for by one."""
    if name not in (None, "1"):
        raise ValueError(f"one genotype, which has no name; leave :{name} out")


def find(text: str, name: str | None = None) -> Found:
    """The text's value; `name` picks one of several. ValueError if there is none, or not just one."""
    bare = without_comments(text)
    try:
        value = json.loads(bare, object_pairs_hook=_object)
    except _GivenTwice as error:
        raise ValueError(str(error)) from None
    except (ValueError, RecursionError) as error:
        no_json = str(error)
    else:
        return _one_of(value, name, None)
    if found := calls.find(text):
        return _called(found, name)
    if call := _CALL.match(bare):
        return Found(literals.fields_of(bare[call.end() :].strip()), is_call=True)
    start = _VALUE.match(bare)
    if start is None:
        raise ValueError(f"not a genotype: neither JSON nor Genotype(...): {no_json}")
    try:
        value = literals.value_of(bare[start.end() :].strip())
    except ValueError as error:
        raise ValueError(f"not a genotype: as JSON: {no_json}; as Python: {error}") from None
    return _one_of(value, name, start["first"])


def _one_of(value: Any, name: str | None, first: str | None) -> Found:
    """The value itself, or the one picked of a list of dictionaries."""
    if isinstance(value, str) and (found := calls.find(value)):
        return _called(found, name)
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, dict) for item in value):
        return Found(value[calls.choose([None] * len(value), name)], first=first)
    check_alone(name)
    return Found(value, first=first)


def _called(found: list[calls.Call], name: str | None) -> Found:
    chosen = found[calls.choose([call.name for call in found], name)]
    return Found(literals.fields_of(chosen.text), is_call=True)


class _GivenTwice(ValueError):
    """A JSON object has a key twice, of which `json` would silently take the last."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise _GivenTwice(f"{shown(key)} is given twice")
        content[key] = value
    return content
