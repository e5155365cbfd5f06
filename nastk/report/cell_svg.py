"""A cell as a picture: one self-contained SVG, nodes from left to right, every operation named.

It brings its own white background, so it reads the same in a light and in a dark page, and holds
no ids, so any number of them can stand in one page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nastk.report.cell_layout import Box, Edge, Point, cell_layout
from nastk.report.escaping import escaped
from nastk.spaces.cell_graph import CellGraph

SANS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
LABEL_SIZE = 12  # px; cell_layout.CHARACTER is its advance
TITLE_SIZE = 15  # px
TITLE_HEIGHT = 34.0
INK, FAINT, RULE = "#1f2933", "#9aa5b1", "#d5dbe1"


@dataclass(frozen=True)
class Family:
    """How the operations whose names begin alike are drawn."""

    prefix: str
    ink: str
    tint: str
    dash: str = ""


FAMILIES = (
    Family("sep_conv", ink="#0b5cad", tint="#e8f1fb"),
    Family("nor_conv", ink="#0b5cad", tint="#e8f1fb"),
    Family("dil_conv", ink="#b23c06", tint="#fdefe6"),
    Family("max_pool", ink="#0b6b4f", tint="#e5f5ef"),
    Family("avg_pool", ink="#0b6b4f", tint="#e5f5ef"),
    Family("skip", ink="#55606e", tint="#f3f5f7", dash="5 4"),
)
OTHER = Family("", ink="#6b3fa0", tint="#f2ecfa")
DEAD = Family("", ink=FAINT, tint="#ffffff")  # whatever leads nowhere, or comes from nowhere


def cell_svg(title: str, cell: CellGraph) -> str:
    """The picture of one cell.

    The inputs are drawn as ... c_{k-2}, c_{k-1}, the output as c_{k}; each edge is one path of class
    `edge`. What does not lie on a way from an input to the output is faint. The same cell always gives
    the same text.
    """
    layout = cell_layout(cell)
    live = cell.live()
    width = max(layout.width, _title_width(title) + 2 * layout.nodes[0].x)
    height = layout.height + TITLE_HEIGHT
    edges = [
        (edge, family(edge.operation) if {edge.source, edge.node} <= live else DEAD) for edge in layout.edges
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_number(width)}" height="{_number(height)}" '
        f'viewBox="0 0 {_number(width)} {_number(height)}" role="img" font-family="{SANS}">',
        f"<title>{escaped(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{_number(width - 1)}" height="{_number(height - 1)}" rx="12" '
        f'fill="#ffffff" stroke="{RULE}"/>',
        f'<text x="24" y="30" font-size="{TITLE_SIZE}" font-weight="600" fill="{INK}">{escaped(title)}</text>',
        f'<g transform="translate(0 {_number(TITLE_HEIGHT)})">',
        '<g fill="none" stroke-linecap="round">',
        *(
            f'<path class="wire" d="{_curve(wire)}" stroke="{FAINT}" stroke-width="1.2"/>'
            for wire in layout.wires
        ),
        *(_edge_path(edge, look) for edge, look in edges),
        "</g>",
        *(_arrow(edge, look) for edge, look in edges),
        *(_label(edge, look) for edge, look in edges),
        *(_node(box, index, cell, live) for index, box in enumerate([*layout.nodes, layout.output])),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def family(operation: str) -> Family:
    return next((known for known in FAMILIES if operation.startswith(known.prefix)), OTHER)


def _edge_path(edge: Edge, look: Family) -> str:
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    end = (edge.points[-1][0] - 5, edge.points[-1][1])  # the arrow head covers the rest
    curve = _curve((*edge.points[:-1], end))
    return f'<path class="edge" d="{curve}" stroke="{look.ink}" stroke-width="1.7"{dash}/>'


def _arrow(edge: Edge, look: Family) -> str:
    x, y = edge.points[-1]
    corners = " ".join(f"{_number(x + dx)},{_number(y + dy)}" for dx, dy in ((-8, -4), (0, 0), (-8, 4)))
    return f'<polygon points="{corners}" fill="{look.ink}"/>'


def _label(edge: Edge, look: Family) -> str:
    return _box(edge.label, look.tint, look.ink, edge.label.height / 2) + _centred(
        edge.label,
        escaped(edge.operation),
        f'class="operation" font-size="{LABEL_SIZE}" font-family="{MONOSPACE}" fill="{look.ink}"',
    )


def _node(box: Box, index: int, cell: CellGraph, live: set[int]) -> str:
    """An input, a node or the output."""
    ink = INK if index in live else FAINT
    if index < cell.num_inputs:
        return _box(box, "#eef1f4", ink, 8) + _subscripted(box, f"k-{cell.num_inputs - index}", ink)
    if index == cell.output:
        return _box(box, "#eef1f4", ink, 8) + _subscripted(box, "k", ink)
    return _box(box, "#ffffff", ink, 8) + _centred(
        box, str(index), f'font-size="15" font-weight="600" fill="{ink}"'
    )


def _box(box: Box, fill: str, stroke: str, radius: float) -> str:
    return (
        f'<rect x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
        f'height="{_number(box.height)}" rx="{_number(radius)}" fill="{fill}" stroke="{stroke}"/>'
    )


def _centred(box: Box, content: str, attributes: str) -> str:
    x, y = box.middle
    return f'<text x="{_number(x)}" y="{_number(y + 4.5)}" text-anchor="middle" {attributes}>{content}</text>'


def _subscripted(box: Box, index: str, ink: str) -> str:
    content = f'c<tspan dy="4" font-size="11" font-style="normal">{index}</tspan>'
    return _centred(box, content, f'font-size="16" font-style="italic" fill="{ink}"')


def _curve(points: Sequence[Point]) -> str:
    """A path that turns between the points 0 and 1, 2 and 3, ... and is level between 1 and 2, ..."""
    path = f"M{_point(points[0])}"
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        if index % 2:
            path += f"H{_number(x1)}"
        else:
            middle = (x0 + x1) / 2
            path += f"C{_point((middle, y0))} {_point((middle, y1))} {_point((x1, y1))}"
    return path


def _point(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """With one decimal at most."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _title_width(title: str) -> float:
    """More than the title needs: a wide character takes the font's size, others much less."""
    return sum(TITLE_SIZE if ord(letter) > 0x2000 else 0.72 * TITLE_SIZE for letter in title)
