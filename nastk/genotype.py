"""Genotype: one architecture as a frozen value, its JSON, and where the notations people have come in.

The body belongs to the space (two cells in the DARTS family); this module knows only how a genotype
is written down, and other systems' ways of it are `nastk.notations`. Nothing is ever evaluated or unpickled.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk import notations
from nastk.notations import darts, texts
from nastk.registry import load_space, loaded_spaces
from nastk.shown import one_line, shown

FORMAT = "nastk-genotype"
VERSION = 1
# A genotype is about a kilobyte, a file of many some ten. Whatever is larger than this is something else.
MAX_CHARACTERS = 1_000_000

_NO_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Genotype:
    """An architecture of `space`; `body` is a value of that space (hashable, comparable)."""

    space: str
    body: Hashable


def to_json(genotype: Genotype, provenance: dict[str, Any] | None = None) -> str:
    """The genotype file's text: format, version, space, body, provenance."""
    content = {"format": FORMAT, "version": VERSION, "space": genotype.space}
    content |= load_space(genotype.space).body_to_json(genotype.body)
    content["provenance"] = provenance or {}
    rows = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in content.items()]
    return "{\n  " + ",\n  ".join(rows) + "\n}\n"


def to_literal(genotype: Genotype) -> str:
    """The DARTS-style Python literal of a genotype of two cells."""
    return darts.write(load_space(genotype.space).body_to_json(genotype.body))


def parse(text: str, name: str | None = None) -> tuple[Genotype, dict[str, Any]]:
    """Read a genotype and its provenance from its JSON, a benchmark's string or another system's notation.

    name: which of several (docs/genotypes.md). Raises ValueError, of one printable line, that names the
    field at fault; never anything else, whatever the text.
    """
    try:
        return _parse(text, name)
    except ValueError as error:
        raise ValueError(one_line(str(error))) from None


def read(path: Path, name: str | None = None) -> tuple[Genotype, dict[str, Any]]:
    """`parse` of a file; a ValueError names the file too. Pipes and the like are not waited for."""
    try:
        kind = _NO_FILES.get(stat.S_IFMT(path.stat().st_mode))
        if kind is not None:
            raise ValueError(f"{kind}, not a file; save the genotype in one")
        with path.open("rb") as file:
            content = file.read(4 * MAX_CHARACTERS + 1)
        if len(content) > 4 * MAX_CHARACTERS:
            raise ValueError(f"not a genotype: more than {4 * MAX_CHARACTERS:,} bytes")
        return parse(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        problem = "not a genotype: not UTF-8 text"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except ValueError as error:
        problem = str(error)
    raise ValueError(f"{one_line(str(path), limit=5_000)}: {problem}")


def is_text(text: str) -> bool:
    """Whether it looks like a genotype itself, if perhaps a wrong one, rather than like a file's name."""
    return _space_of(texts.without_comments(text)) is not None or texts.is_value(text)


def _space_of(text: str) -> str | None:
    """The space whose own string the text is meant to be."""
    spaces = loaded_spaces().items()
    return next((name for name, space in spaces if space.recognises(text.strip())), None)


def _parse(text: str, name: str | None) -> tuple[Genotype, dict[str, Any]]:
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"not a genotype: {len(text):,} characters (at most {MAX_CHARACTERS:,})")
    bare = texts.without_comments(text).strip()
    space = _space_of(bare)
    if space is not None:
        texts.check_alone(name)
        return _genotype(space, {"arch": bare}), {}
    value, is_call, first = texts.find(text, name)
    is_own = isinstance(value, dict) and "format" in value
    if is_call or (notations.is_known(value) and not is_own):
        return _genotype(*notations.read(value, first)), {}
    return _parse_content(value)


def _genotype(space: str, content: dict[str, Any]) -> Genotype:
    return Genotype(space, load_space(space).body_from_json(content))


def _parse_content(content: Any) -> tuple[Genotype, dict[str, Any]]:
    if not isinstance(content, dict):
        raise ValueError(f"not a genotype: expected a JSON object, found {type(content).__name__}")
    if content.get("format") != FORMAT:
        raise ValueError(f"format: expected {FORMAT!r}, found {shown(content.get('format'))}")
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version: this nastk reads version {VERSION}, found {shown(version)}")
    name = content.get("space")
    if not isinstance(name, str):
        raise ValueError(f"space: expected a name, found {shown(name)}")
    provenance = content.get("provenance", {})
    if not isinstance(provenance, dict):
        raise ValueError(f"provenance: expected an object, found {shown(provenance)}")
    try:
        json.dumps(provenance, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # sets of Python, 1e400
        raise ValueError("provenance: expected what JSON has, and numbers that are finite") from None
    return _genotype(name, content), provenance
