"""Architectures by name: the published cells beside this file, and what the user names instead.

A published cell is a genotype file whose provenance says where it was published; its name is the
file's. A new one is a new file and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk.genotype import Genotype, is_text, parse, read
from nastk.registry import load_space, unknown
from nastk.shown import one_line

FOLDER = Path(__file__).parent
RUN_FILE = "genotype.json"  # of a run directory
MAX_NAME_BYTES = 100  # of the 255 that a directory's name may have


@dataclass(frozen=True)
class Arch:
    """An architecture the user named; `name` suits a title or a directory's name."""

    name: str
    genotype: Genotype
    provenance: dict[str, Any]


def list_archs() -> dict[str, str]:
    """Published cell's name -> one line of help."""
    return {
        name: json.loads(path.read_text(encoding="utf-8"))["provenance"]["help"]
        for name, path in _published().items()
    }


def load_arch(text: str) -> Arch:
    """The architecture that `text` names: a genotype file, one of several in a file (FILE:NAME), a run
    directory, a published cell, or the text of a genotype itself, in any notation that files may have.

    A path that exists wins over all else. Raises ValueError, in one line.
    """
    published = _published()
    # os.path, unlike Path, takes a name that is no possible path for one that does not exist
    if os.path.exists(text):
        path = Path(text)
        if not path.is_dir():
            return _arch(path.stem, *read(path))
        if not os.path.exists(path / RUN_FILE):
            hides = f"; it hides the published cell {text!r}" if text in published else ""
            raise ValueError(
                f"{one_line(text)}: a directory without {RUN_FILE}, so no finished search{hides}"
            )
        return _arch(path.resolve().name, *read(path / RUN_FILE))
    if text in published:
        return Arch(text, *read(published[text]))
    file, _, name = text.rpartition(":")
    if os.path.exists(file):
        return _arch(f"{Path(file).stem}-{name}", *read(Path(file), name))
    if is_text(text) and not text.endswith(".json"):
        genotype, provenance = parse(text)
        return _arch(_name_of(genotype), genotype, provenance)
    if text.endswith(".json") or any(mark in text for mark in (os.sep, os.altsep) if mark):
        raise ValueError(f"{one_line(text, limit=300)}: no such file")
    if name and "." in file:
        raise ValueError(f"{one_line(file, limit=300)}: no such file")
    raise unknown("architecture", text, published)


def _arch(name: str, genotype: Genotype, provenance: dict[str, Any]) -> Arch:
    """With what a title or a directory's name may not have replaced in the name, and cut to a part of one."""
    kept = (character if _is_kept(character) else "-" for character in name)
    short = "".join(kept).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    return Arch(short.strip(" .-") or genotype.space, genotype, provenance)


def _is_kept(character: str) -> bool:
    return character.isprintable() and character not in "/\\:*?\"<>|'"


def _name_of(genotype: Genotype) -> str:
    """A name made of the architecture alone: a string's operations by index, else a digest of the cells."""
    space = load_space(genotype.space)
    content = space.body_to_json(genotype.body)
    if isinstance(content.get("arch"), str) and hasattr(space, "read"):
        return f"{genotype.space}-{''.join(map(str, space.read(content['arch'])))}"
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{genotype.space}-{digest[:8]}"


def _published() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
