"""The stages of a search that narrows its space, as a picture: one sees operations fall away.

A table a stage and group of decisions (a type of cell): a row a decision (an edge), a column an option (an
operation), a square the darker the stronger the option is; where there is none, the stage's mask has left it
out, or the decision has no such option.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from nastk.report.cell_svg import FAINT, INK, MONOSPACE, RULE, SANS

SIDE = 22  # px of a square
NAMES = 96  # px above the squares, for the options' names
LABELS = 56  # px left of them, for the decisions'
GAP, MARGIN, TITLE = 28, 24, 26
STRONG = "#0b5cad"


@dataclass(frozen=True)
class _Group:
    """Decisions [R] of one group, by their numbers in the space, and all options [C] that they have."""

    name: str
    numbers: list[int]
    options: list[str]

    @property
    def width(self) -> int:
        return LABELS + SIDE * len(self.options)

    @property
    def height(self) -> int:
        return NAMES + SIDE * len(self.numbers)


def stages_svg(stages: Sequence[dict[str, Any]], decisions: Sequence[dict[str, Any]]) -> str:
    """One self-contained SVG: the stages from left to right, the groups of decisions from top to bottom.

    stages: of each the mask [D] of option indices and the strengths [D][O]; decisions: of each [D] its group,
    its name and its options' names.
    """
    groups = _groups(decisions)
    width_of_one = max(group.width for group in groups)
    width = 2 * MARGIN + len(stages) * (width_of_one + GAP) - GAP
    height = 2 * MARGIN + TITLE + sum(group.height + GAP for group in groups) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}">',
        "<title>stages of the search</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="12" fill="#ffffff" stroke="{RULE}"/>',
    ]
    for number, stage in enumerate(stages):
        left, top = MARGIN + number * (width_of_one + GAP), MARGIN + TITLE
        parts.append(
            f'<text x="{left}" y="{MARGIN + 14}" font-size="15" font-weight="600" fill="{INK}">'
            f"stage {number + 1}</text>"
        )
        for group in groups:
            parts.append(
                f'<text x="{left}" y="{top + NAMES - 6}" font-size="12" font-weight="600" fill="{INK}">'
                f"{escape(group.name)}</text>"
            )
            parts += _table(stage, decisions, group, left, top)
            top += group.height + GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _groups(decisions: Sequence[dict[str, Any]]) -> list[_Group]:
    found: dict[str, _Group] = {}
    for number, decision in enumerate(decisions):
        group = found.setdefault(decision["group"], _Group(decision["group"], [], []))
        group.numbers.append(number)
        group.options.extend(option for option in decision["options"] if option not in group.options)
    return list(found.values())


def _table(
    stage: dict[str, Any], decisions: Sequence[dict[str, Any]], group: _Group, left: int, top: int
) -> list[str]:
    first_x, first_y = left + LABELS, top + NAMES
    parts = []
    for column, name in enumerate(group.options):
        x = first_x + column * SIDE + SIDE / 2 + 4
        parts.append(
            f'<text x="{x:g}" y="{first_y - 6}" font-size="11" font-family="{MONOSPACE}" fill="{INK}" '
            f'transform="rotate(-90 {x:g} {first_y - 6})">{escape(name)}</text>'
        )
    for place, number in enumerate(group.numbers):
        name, options = decisions[number]["name"], decisions[number]["options"]
        row, strengths = stage["mask"][number], stage["strengths"][number]
        y = first_y + place * SIDE
        parts.append(
            f'<text x="{left}" y="{y + 15}" font-size="11" font-family="{MONOSPACE}" fill="{INK}">{escape(name)}</text>'
        )
        strongest = max(strengths[option] for option in row)
        for option in row:
            value = strengths[option]
            look = f'stroke="{INK}"' if value == strongest else f'stroke="{FAINT}"'
            x = first_x + group.options.index(options[option]) * SIDE
            parts.append(
                f'<rect class="operation" x="{x + 2}" y="{y + 2}" width="{SIDE - 4}" '
                f'height="{SIDE - 4}" rx="3" fill="{STRONG}" fill-opacity="{value:.3f}" {look}>'
                f"<title>{escape(options[option])} on {escape(name)}: {value:.3f}</title></rect>"
            )
    return parts
