"""Genotype: one architecture as a frozen value, its JSON, and the notations people already have.

The body belongs to the space (two cells in the DARTS family); this module knows only how a genotype
is written down. Nothing is ever evaluated or unpickled: JSON, or a Python literal read with `ast`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk.registry import load_space

FORMAT = "nastk-genotype"
VERSION = 1
# A genotype is about a kilobyte. Whatever is larger than this is something else.
MAX_CHARACTERS = 1_000_000


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
    rows = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    return "{\n  " + ",\n  ".join(rows) + "\n}\n"


def parse(text: str) -> tuple[Genotype, dict[str, Any]]:
    """Read a genotype and its provenance from JSON or a DARTS-style Python literal.

    Raises ValueError that names the field at fault; never anything else, whatever the text.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"not a genotype: {len(text):,} characters (at most {MAX_CHARACTERS:,})")
    if text.lstrip().startswith("Genotype"):
        return _parse_literal(text.strip()), {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a genotype: neither JSON nor Genotype(...): {_short(error)}") from None
    return _parse_content(content)


def read(path: Path) -> tuple[Genotype, dict[str, Any]]:
    """`parse` of a file; a ValueError names the file too."""
    try:
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            raise ValueError(f"not a genotype: {path.stat().st_size:,} bytes")
        return parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a genotype: not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _parse_content(content: Any) -> tuple[Genotype, dict[str, Any]]:
    if not isinstance(content, dict):
        raise ValueError(f"not a genotype: expected a JSON object, found {type(content).__name__}")
    if content.get("format") != FORMAT:
        raise ValueError(f"format: expected {FORMAT!r}, found {_short(content.get('format'))}")
    version = content.get("version")
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"version: this nastk reads version {VERSION}, found {_short(version)}")
    name = content.get("space")
    if not isinstance(name, str):
        raise ValueError(f"space: expected a name, found {_short(name)}")
    provenance = content.get("provenance", {})
    if not isinstance(provenance, dict):
        raise ValueError(f"provenance: expected an object, found {_short(provenance)}")
    return Genotype(name, load_space(name).body_from_json(content)), provenance


def _parse_literal(text: str) -> Genotype:
    """`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=...)`.

    The literal names no space: it is a DARTS cell where it can be one, else RelativeNAS's variant,
    whose nodes may take the same input twice.
    """
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"not a genotype literal: {_short(error)}") from None
    if not isinstance(call, ast.Call) or call.args or any(word.arg is None for word in call.keywords):
        raise ValueError(
            "not a genotype literal: expected Genotype(normal=..., normal_concat=..., reduce=...)"
        )
    fields = {}
    for word in call.keywords:
        try:
            value = ast.literal_eval(word.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(f"{word.arg}: not a literal") from None
        if isinstance(value, range):
            value = list(value)
        fields[str(word.arg)] = value
    wanted = {"normal", "normal_concat", "reduce", "reduce_concat"}
    if set(fields) != wanted:
        odd = sorted(set(fields) ^ wanted)
        raise ValueError(
            f"{odd[0]}: {'missing from' if odd[0] in wanted else 'unknown in'} the genotype literal"
        )
    if list(_sequence(fields["normal_concat"])) != list(_sequence(fields["reduce_concat"])):
        raise ValueError("reduce_concat: differs from normal_concat, which nastk's cells do not allow")
    content = {key: _listed(fields[key]) for key in ("normal", "reduce")}
    content["concat"] = _listed(fields["normal_concat"])
    try:
        return Genotype("darts", load_space("darts").body_from_json(content))
    except ValueError:
        return Genotype("relativenas", load_space("relativenas").body_from_json(content))


def to_literal(genotype: Genotype) -> str:
    """The DARTS-style Python literal of a genotype of two cells."""
    content = load_space(genotype.space).body_to_json(genotype.body)
    cells = {key: [tuple(pair) for pair in content[key]] for key in ("normal", "reduce")}
    concat = content["concat"]
    return (
        f"Genotype(normal={cells['normal']}, normal_concat={concat}, "
        f"reduce={cells['reduce']}, reduce_concat={concat})"
    )


def _sequence(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _listed(value: Any) -> Any:
    """Tuples as lists, all the way down, as JSON would give them."""
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, BaseException) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
