"""Curves over the steps of a run, as a picture of the page, whose variables colour it.

Lines differ in colour and in dashes; gaps in what was measured are gaps in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nastk.report.axis import Axis, short
from nastk.report.escaping import escaped
from nastk.report.page.thinning import Point, thinned

WIDTH, HEIGHT = 480, 260  # px of the picture, below its legend
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 10, 40
ROW = 20  # px, of a row of the legend
SAMPLE = 30  # px, of a line in the legend
CHARACTER = 7.4  # px, more than the mean advance of the text
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "4 2 1 2", "1 5", "6 2 2 2 2 2")
MAX_LINES = len(DASHES)  # that one picture tells apart


@dataclass(frozen=True)
class Line:
    """points: (step, value), by their steps."""

    name: str
    points: Sequence[Point]

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points if value is not None]


def curves_svg(title: str, lines: Sequence[Line], x_name: str = "step") -> str:
    """One SVG of up to MAX_LINES lines, each of which has a value at least."""
    assert 0 < len(lines) <= MAX_LINES
    across = _span([x for line in lines for x, _ in line.points])
    up = Axis.around([value for line in lines for value in line.values])
    legend, rows = _legend(lines)
    top = TOP + rows * ROW
    height = HEIGHT + rows * ROW

    def x(value: float) -> float:
        return LEFT + across.share(value) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return height - BOTTOM - up.share(value) * (height - top - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="curves" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escaped(title)}</title>",
        f"<desc>{escaped(_described(lines, x_name))}</desc>",
        *legend,
    ]
    for value in up.ticks():
        parts.append(
            f'<line class="grid" x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{short(value)}</text>'
        )
    bottom = height - BOTTOM
    for value in across.ticks():
        parts.append(
            f'<line class="grid" x1="{x(value):.1f}" y1="{bottom}" x2="{x(value):.1f}" y2="{bottom + 4}"/>'
            f'<text x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{short(value)}</text>'
        )
    parts.append(
        f'<text class="faint" x="{WIDTH - RIGHT}" y="{height - 6}" text-anchor="end">{escaped(x_name)}</text>'
    )
    for number, line in enumerate(lines):
        places = [(x(at), None if value is None else y(value)) for at, value in thinned(line.points)]
        parts.append(_drawn(number, places))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _span(steps: Sequence[float]) -> Axis:
    low, high = min(steps), max(steps)
    return Axis(low, high) if low < high else Axis(low - 1, high + 1)


def _drawn(number: int, places: Sequence[Point]) -> str:
    """A path of the values that follow one another; a dot where one stands alone."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in places:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append((x, y))
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in pieces if len(piece) > 1)
    dots = [
        f'<circle class="dot line-{number}" cx="{piece[0][0]:.1f}" cy="{piece[0][1]:.1f}" r="3"/>'
        for piece in pieces
        if len(piece) == 1
    ]
    return "".join(
        ([f'<path class="curve line-{number}"{_dash(number)} d="{path}"/>'] if path else []) + dots
    )


def _legend(lines: Sequence[Line]) -> tuple[list[str], int]:
    """A sample of each line with its name, from left to right in as many rows as that takes."""
    parts, x, row = [], LEFT, 0
    for number, line in enumerate(lines):
        longest = int((WIDTH - LEFT - RIGHT - SAMPLE) / CHARACTER)
        name = line.name if len(line.name) <= longest else line.name[: longest - 1] + "\u2026"
        width = round(SAMPLE + len(name) * CHARACTER + 16)
        if x > LEFT and x + width > WIDTH:
            x, row = LEFT, row + 1
        y = TOP + row * ROW
        parts.append(
            f'<path class="curve line-{number}"{_dash(number)} d="M{x} {y + 4}h{SAMPLE - 6}"/>'
            f'<text x="{x + SAMPLE}" y="{y + 8}">{escaped(name)}</text>'
        )
        x += width
    return parts, row + 1


def _dash(number: int) -> str:
    return f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""


def _described(lines: Sequence[Line], x_name: str) -> str:
    """The figures for who cannot see the picture."""
    return "; ".join(
        f"{line.name}: {short(line.values[0])} at first, {short(line.values[-1])} at the end, between "
        f"{short(min(line.values))} and {short(max(line.values))} over {len(line.points)} points by {x_name}"
        for line in lines
    )
