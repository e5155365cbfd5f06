"""The stages of a search that narrows its space, as a picture: one sees operations fall away.

A table a stage and cell type: a row an edge, a column an operation, a square the darker the stronger the
operation is on the edge; where there is none, the mask of the stage has left the operation out.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from nastk.report.cell_svg import FAINT, INK, MONOSPACE, RULE, SANS

SIDE = 22  # px of a square
NAMES = 96  # px above the squares, for the operations' names
LABELS = 56  # px left of them, for the edges'
GAP, MARGIN, TITLE = 28, 24, 26
STRONG = "#0b5cad"


def stages_svg(
    stages: Sequence[dict[str, Any]],
    cell_types: Sequence[str],
    operations: Sequence[str],
    edges: Sequence[str],
) -> str:
    """One self-contained SVG: the stages from left to right, the cell types from top to bottom.

    stages: of each the mask [T][E] of operation indices and the strengths [T][E][O]; edges: their names.
    """
    num_types = len(cell_types)
    width_of_one = LABELS + SIDE * len(operations)
    height_of_one = NAMES + SIDE * len(edges)
    width = 2 * MARGIN + len(stages) * (width_of_one + GAP) - GAP
    height = 2 * MARGIN + TITLE + num_types * (height_of_one + GAP) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}">',
        "<title>stages of the search</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="12" fill="#ffffff" stroke="{RULE}"/>',
    ]
    for number, stage in enumerate(stages):
        left = MARGIN + number * (width_of_one + GAP)
        parts.append(
            f'<text x="{left}" y="{MARGIN + 14}" font-size="15" font-weight="600" fill="{INK}">'
            f"stage {number + 1}</text>"
        )
        for t in range(num_types):
            top = MARGIN + TITLE + t * (height_of_one + GAP)
            parts.append(
                f'<text x="{left}" y="{top + NAMES - 6}" font-size="12" font-weight="600" fill="{INK}">'
                f"{escape(cell_types[t])}</text>"
            )
            parts += _table(stage["mask"][t], stage["strengths"][t], operations, edges, left, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _table(
    mask: Sequence[Sequence[int]],
    strengths: Sequence[Sequence[float]],
    operations: Sequence[str],
    edges: Sequence[str],
    left: int,
    top: int,
) -> list[str]:
    first_x, first_y = left + LABELS, top + NAMES
    parts = []
    for column, name in enumerate(operations):
        x = first_x + column * SIDE + SIDE / 2 + 4
        parts.append(
            f'<text x="{x:g}" y="{first_y - 6}" font-size="11" font-family="{MONOSPACE}" fill="{INK}" '
            f'transform="rotate(-90 {x:g} {first_y - 6})">{escape(name)}</text>'
        )
    for edge, (row, name) in enumerate(zip(mask, edges, strict=True)):
        y = first_y + edge * SIDE
        parts.append(
            f'<text x="{left}" y="{y + 15}" font-size="11" font-family="{MONOSPACE}" fill="{INK}">{escape(name)}</text>'
        )
        strongest = max(strengths[edge][operation] for operation in row)
        for operation in row:
            value = strengths[edge][operation]
            look = f'stroke="{INK}"' if value == strongest else f'stroke="{FAINT}"'
            parts.append(
                f'<rect class="operation" x="{first_x + operation * SIDE + 2}" y="{y + 2}" width="{SIDE - 4}" '
                f'height="{SIDE - 4}" rx="3" fill="{STRONG}" fill-opacity="{value:.3f}" {look}>'
                f"<title>{escape(operations[operation])} on {escape(name)}: {value:.3f}</title></rect>"
            )
    return parts
