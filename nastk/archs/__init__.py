"""Architectures by name: the published cells beside this file, and what the user names instead.

A published cell is a genotype file whose provenance says where it was published; its name is the
file's. A new one is a new file and nothing else.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk.genotype import Genotype, parse, read
from nastk.registry import load_space, loaded_spaces, unknown

FOLDER = Path(__file__).parent
RUN_FILE = "genotype.json"  # of a run directory


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
    """The architecture that `text` names: a genotype file, a run directory, a published cell, or the
    string of a benchmark, which is called by the indices of its operations.

    A path that exists wins over a published cell's name. Raises ValueError, in one line.
    """
    published = _published()
    # os.path, unlike Path, takes a name that is no possible path for one that does not exist
    if os.path.exists(text):
        path = Path(text)
        if not path.is_dir():
            return Arch(path.stem, *read(path))
        if not os.path.exists(path / RUN_FILE):
            hides = f"; it hides the published cell {text!r}" if text in published else ""
            raise ValueError(f"{text}: a directory without {RUN_FILE}, so no finished search{hides}")
        return Arch(path.resolve().name, *read(path / RUN_FILE))
    if text in published:
        return Arch(text, *read(published[text]))
    if any(space.recognises(text) for space in loaded_spaces().values()):
        genotype, provenance = parse(text)
        indices = load_space(genotype.space).read(genotype.body)
        return Arch(f"{genotype.space}-{''.join(map(str, indices))}", genotype, provenance)
    if text.endswith(".json") or any(mark in text for mark in (os.sep, os.altsep) if mark):
        raise ValueError(f"{text}: no such file")
    raise unknown("architecture", text, published)


def _published() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob("*.json"))}
