"""The tree of a few-shot split as a picture: which edge was split into which groups, what the leaves scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from nastk.report.cell_svg import FAINT, INK, MONOSPACE, RULE, SANS

LINE = 18  # px between lines of text
CHARACTER = 7.3  # px, the advance of the monospaced text
GAP, MARGIN, PADDING = 48, 24, 10
CHOSEN = "#0b5cad"


def tree_svg(nodes: Sequence[dict[str, Any]], leaves: Sequence[dict[str, Any]], chosen: int) -> str:
    """One self-contained SVG, the root at the left.

    nodes: SplitTree.to_json with names; leaves: {"leaf": node, "score": a score} each; chosen: a node.
    """
    scores = {leaf["leaf"]: leaf["score"] for leaf in leaves}
    texts = [_lines(node, nodes, scores) for node in nodes]
    depths = [node["depth"] for node in nodes]
    widths = [
        max(
            (max(map(len, texts[i])) for i in range(len(nodes)) if depths[i] == depth), default=0
        ) * CHARACTER + 2 * PADDING
        for depth in range(max(depths) + 1)
    ]  # fmt: skip
    heights = [len(lines) * LINE + 2 * PADDING for lines in texts]
    lefts = [MARGIN + sum(widths[:depth]) + depth * GAP for depth in range(len(widths))]
    middles: dict[int, float] = {}
    bottom = float(MARGIN)

    def place(number: int) -> float:
        """The middle of a node's box: below what is there for a leaf, between its children for others."""
        nonlocal bottom
        children = nodes[number].get("children", [])
        if children:
            places = [place(child) for child in children]
            middles[number] = (places[0] + places[-1]) / 2
            bottom = max(bottom, middles[number] + heights[number] / 2 + LINE / 2)
        else:
            middles[number] = bottom + heights[number] / 2
            bottom += heights[number] + LINE / 2
        return middles[number]

    place(0)
    # A node with more lines than its children reaches above the first leaf.
    rise = max(0.0, MARGIN - min(middles[i] - heights[i] / 2 for i in middles))
    width, height = lefts[-1] + widths[-1] + MARGIN, bottom + rise + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{SANS}">',
        "<title>few-shot split</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="12" '
        f'fill="#ffffff" stroke="{RULE}"/>',
    ]
    for number, node in enumerate(nodes):
        left, y = lefts[depths[number]], middles[number] + rise
        for child in node.get("children", []):
            start, end = left + widths[depths[number]], lefts[depths[child]]
            y_child, bend = middles[child] + rise, (start + end) / 2
            parts.append(
                f'<path d="M{start:.1f} {y:.1f} C{bend:.1f} {y:.1f} {bend:.1f} {y_child:.1f} {end:.1f} {y_child:.1f}" '
                f'fill="none" stroke="{FAINT}" stroke-width="1.4"/>'
            )
        parts.append(_box(texts[number], left, y, widths[depths[number]], heights[number], number == chosen))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(node: dict[str, Any], nodes: Sequence[dict[str, Any]], scores: dict[int, Any]) -> list[str]:
    """The text in a node's box: the group that it is, then its split or its score."""
    if node["parent"] is None:
        lines = ["whole space"]
    else:
        parent = nodes[node["parent"]]
        lines = parent["split"]["names"][parent["children"].index(node["number"])]
    if "split" in node:
        value = node["split"]["value"]
        lines = [*lines, f"split: {node['split']['where']}" + ("" if value is None else f" ({value:.3f})")]
    elif node["number"] in scores:
        score = scores[node["number"]]
        found = f"{score['value']:.4f}" if score else "diverged"
        if score and math.isfinite(score["accuracy"]):
            found += f" ({score['accuracy']:.1f} %)"
        lines = [*lines, f"leaf {node['number']}: {found}"]
    return lines


def _box(lines: Sequence[str], left: float, middle: float, width: float, height: float, chosen: bool) -> str:
    top = middle - height / 2
    look = f'stroke="{CHOSEN}" stroke-width="2"' if chosen else f'stroke="{RULE}"'
    spans = [
        f'<text x="{left + PADDING:.1f}" y="{top + PADDING + (row + 0.75) * LINE:.1f}" font-size="12" '
        f'font-family="{MONOSPACE}" fill="{INK}"{_weight(row == len(lines) - 1)}>{escape(text)}</text>'
        for row, text in enumerate(lines)
    ]
    return "\n".join(
        [
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8" '
            f'fill="#f8fafc" {look}/>',
            *spans,
        ]
    )


def _weight(strong: bool) -> str:
    return ' font-weight="600"' if strong else ""
