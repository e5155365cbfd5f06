"""A genotype as pictures and as text, whatever its space.

The body and the space decide: a new kind of cell brings a branch to `_cells`, which makes its graph.
"""

from __future__ import annotations

import json
from typing import Any

from nastk.genotype import Genotype
from nastk.registry import load_space
from nastk.report.cell_graph import CellGraph
from nastk.report.cell_svg import cell_svg
from nastk.report.cell_text import cell_text
from nastk.report.stages_svg import stages_svg
from nastk.report.tree_svg import tree_svg
from nastk.spaces.cell import CellPair
from nastk.spaces.nasbench201 import NONE, NUM_NODES, NASBench201Space

TITLES = {"normal": "normal cell", "reduce": "reduction cell"}


def draw(genotype: Genotype) -> dict[str, str]:
    """Cell type -> its picture (SVG); empty if there is none."""
    return {key: cell_svg(title, cell) for key, (title, cell) in _cells(genotype).items()}


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
        pictures["stages"] = stages_svg(
            details["stages"], details["cell_types"], details["operations"], details["edges"]
        )
    return pictures


def describe(genotype: Genotype) -> str:
    """The architecture as plain text for a terminal; what its file says if there is no better."""
    cells = _cells(genotype)
    if cells:
        string = f" {genotype.body}" if isinstance(genotype.body, str) else ""
        return "\n".join(cell_text(title + string, cell) for title, cell in cells.values())
    content = load_space(genotype.space).body_to_json(genotype.body)
    rows = [
        f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in content.items()
    ]
    return "\n".join(rows) + "\n"


def _cells(genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:
    """Cell type -> the cell's title and graph; empty for what has none."""
    body = genotype.body
    if isinstance(body, CellPair):
        return {
            key: (title, CellGraph.of_pairs(body.cell(key), body.concat)) for key, title in TITLES.items()
        }
    space = load_space(genotype.space)
    if isinstance(space, NASBench201Space):
        (path,) = space.paths(genotype)
        chosen = [(space.operations[operation], space.edges[edge]) for edge, operation in path]
        edges = tuple((name, source, node) for name, (node, source) in chosen if name != NONE)
        return {"cell": ("cell", CellGraph(1, NUM_NODES - 1, edges))}
    return {}
