"""Genotype: one architecture as a frozen value, its JSON, and the notations people already have.

The body belongs to the space (two cells in the DARTS family); this module knows only how a genotype
is written down. Nothing is ever evaluated or unpickled: JSON, or a Python literal read with `ast`.
"""

from __future__ import annotations

import ast
import json
import re
import reprlib
import warnings
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk.registry import load_space, loaded_spaces

FORMAT = "nastk-genotype"
VERSION = 1
# A genotype is about a kilobyte. Whatever is larger than this is something else.
MAX_CHARACTERS = 1_000_000
# Python's parser may exhaust the stack on a long hostile expression; a literal has some 700 characters.
MAX_LITERAL_CHARACTERS = 20_000


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


def parse(text: str) -> tuple[Genotype, dict[str, Any]]:
    """Read a genotype and its provenance from JSON, a DARTS-style Python literal or a benchmark's string.

    Raises ValueError that names the field at fault; never anything else, whatever the text.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"not a genotype: {len(text):,} characters (at most {MAX_CHARACTERS:,})")
    # NAME = Genotype(...), as in the authors' files, or without the name
    if literal := re.match(r"\s*(?:\w{1,60}\s*=\s*)?(?=Genotype)", text):
        return _parse_literal(text[literal.end() :].strip()), {}
    for name, space in loaded_spaces().items():
        if space.recognises(text.strip()):
            return Genotype(name, space.body_from_json({"arch": text.strip()})), {}
    try:
        content = json.loads(text, object_pairs_hook=_object)
    except _GivenTwice as error:
        raise ValueError(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a genotype: neither JSON nor Genotype(...): {error}") from None
    return _parse_content(content)


def read(path: Path) -> tuple[Genotype, dict[str, Any]]:
    """`parse` of a file; a ValueError names the file too."""
    try:
        with path.open("rb") as file:  # a pipe or a device does not tell its size
            content = file.read(4 * MAX_CHARACTERS + 1)
        if len(content) > 4 * MAX_CHARACTERS:
            raise ValueError(f"not a genotype: more than {4 * MAX_CHARACTERS:,} bytes")
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a genotype: not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class _GivenTwice(ValueError):
    """A JSON object has a key twice, of which `json` would silently take the last."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise _GivenTwice(f"{shown(key)} is given twice")
        content[key] = value
    return content


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
    return Genotype(name, load_space(name).body_from_json(content)), provenance


def _parse_literal(text: str) -> Genotype:
    """`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=...)`.

    The literal names no space: it is a DARTS cell where it can be one, else RelativeNAS's variant,
    whose nodes may take the same input twice.
    """
    if len(text) > MAX_LITERAL_CHARACTERS:
        raise ValueError(
            f"not a genotype literal: {len(text):,} characters (at most {MAX_LITERAL_CHARACTERS:,})"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes and the like
            call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"not a genotype literal: {error}") from None
    if (
        not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Genotype")
        or call.args
        or any(word.arg is None for word in call.keywords)
    ):
        raise ValueError(
            "not a genotype literal: expected Genotype(normal=..., normal_concat=..., reduce=...)"
        )
    fields: dict[str, Any] = {}
    for word in call.keywords:
        name = str(word.arg)
        if name in fields:
            raise ValueError(f"{shown(name)} is given twice")
        try:
            fields[name] = _literal_value(word.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, OverflowError):
            raise ValueError(f"{name[:60]}: not a literal") from None
    wanted = {"normal", "normal_concat", "reduce", "reduce_concat"}
    if set(fields) != wanted:
        odd = sorted(set(fields) ^ wanted)
        raise ValueError(
            f"{odd[0][:60]}: {'missing from' if odd[0] in wanted else 'unknown in'} the genotype literal"
        )
    if _listed(fields["normal_concat"]) != _listed(fields["reduce_concat"]):
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


def _literal_value(node: ast.expr) -> Any:
    """The value of a literal, or of range(START, STOP) of literals, as DARTS's code writes concats."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        values = range(*map(ast.literal_eval, node.args))
        if node.keywords or len(values) > 100:
            raise ValueError("not the range of a cell's nodes")
        return list(values)
    return ast.literal_eval(node)


def _listed(value: Any) -> Any:
    """Tuples as lists, all the way down, as JSON would give them."""
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def shown(value: Any) -> str:
    """A value as a message shows it: its repr, kept short in length and in depth."""
    return _SHORT.repr(value)
