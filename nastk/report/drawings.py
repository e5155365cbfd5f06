"""A genotype as pictures and as text, whatever its space.

The body's type decides: a new kind of body brings a branch here and a drawing of its own.
"""

from __future__ import annotations

import json

from nastk.genotype import Genotype
from nastk.registry import load_space
from nastk.report.cell_svg import cell_svg
from nastk.report.cell_text import cell_text
from nastk.spaces.cell import CellPair

TITLES = {"normal": "normal cell", "reduce": "reduction cell"}


def draw(genotype: Genotype) -> dict[str, str]:
    """Cell type -> its picture (SVG), to be kept as `cell_<cell type>.svg`; empty if there is none."""
    body = genotype.body
    if isinstance(body, CellPair):
        return {key: cell_svg(title, body.cell(key), body.concat) for key, title in TITLES.items()}
    return {}


def describe(genotype: Genotype) -> str:
    """The architecture as plain text for a terminal; what its file says if there is no better."""
    body = genotype.body
    if isinstance(body, CellPair):
        return "\n".join(cell_text(title, body.cell(key), body.concat) for key, title in TITLES.items())
    content = load_space(genotype.space).body_to_json(body)
    rows = [
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in content.items()
    ]
    return "\n".join(rows) + "\n"
