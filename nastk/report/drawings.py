"""A genotype as pictures and as text, whatever its space, which says what graphs its cells are."""

from __future__ import annotations

import json
from typing import Any

from nastk.genotype import Genotype
from nastk.registry import load_space
from nastk.report.cell_svg import cell_svg
from nastk.report.cell_text import cell_text
from nastk.report.stages_svg import stages_svg
from nastk.report.tree_svg import tree_svg


def draw(genotype: Genotype) -> dict[str, str]:
    """Cell type -> its picture (SVG); empty if there is none."""
    return {
        key: cell_svg(title, cell)
        for key, (title, cell) in load_space(genotype.space).cells(genotype).items()
    }


def draw_files(genotype: Genotype, stem: str) -> dict[str, str]:
    """File name without suffix -> the picture in it: `stem`, and the cell type behind it if there are several."""
    pictures = draw(genotype)
    return {
        stem if len(pictures) == 1 else f"{stem}_{cell_type}": picture
        for cell_type, picture in pictures.items()
    }


def draw_details(details: dict[str, Any]) -> dict[str, str]:
    """File name without suffix -> a picture of what a search tells of its course."""
    pictures = {}
    if "tree" in details:
        pictures["tree"] = tree_svg(details["tree"], details["leaves"], details["chosen"])
    if "stages" in details:
        pictures["stages"] = stages_svg(details["stages"], details["decisions"])
    return pictures


def describe(genotype: Genotype) -> str:
    """The architecture as plain text for a terminal; what its file says if there is no better."""
    space = load_space(genotype.space)
    cells = space.cells(genotype)
    if cells:
        string = f" {genotype.body}" if isinstance(genotype.body, str) else ""
        return "\n".join(cell_text(title + string, cell) for title, cell in cells.values())
    content = space.body_to_json(genotype.body)
    rows = [
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in content.items()
    ]
    return "\n".join(rows) + "\n"
