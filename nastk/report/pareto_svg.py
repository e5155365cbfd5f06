"""Scores against what the networks cost, as a picture: who is on the front, who was chosen, where the limit is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from nastk.report.axis import Axis, short
from nastk.report.cell_svg import FAINT, INK, RULE, SANS

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 56, 56  # px around the plot
CHOSEN = "#b3261e"
FRONT = "#0b5cad"


@dataclass(frozen=True)
class Point:
    """cost and score: where it stands; front, chosen: what it is."""

    cost: float
    score: float
    front: bool
    chosen: bool


def pareto_svg(points: Sequence[Point], cost_name: str, score_name: str, limit: float | None) -> str:
    """One self-contained SVG. limit: of the cost, if there is one."""
    costs = [point.cost for point in points]
    near = limit is not None and limit < 2 * max(costs)  # one far away would press the points together
    if near and limit is not None:
        costs.append(limit)
    across, up = Axis.around(costs), Axis.around([point.score for point in points])

    def x(value: float) -> float:
        return LEFT + across.share(value) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="{SANS}" font-size="12">',
        f"<title>{escape(score_name)} against {escape(cost_name)}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12" fill="#ffffff" stroke="{RULE}"/>',
        f'<text x="{LEFT}" y="28" fill="{INK}"><tspan font-weight="600" font-size="14">{escape(score_name)}</tspan>'
        f'<tspan dx="14" fill="{CHOSEN}">\u25c6 chosen</tspan><tspan dx="10" fill="{FRONT}">\u25cf front</tspan>'
        f'<tspan dx="10" fill="{FAINT}">\u25cb others</tspan></text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end" fill="{INK}">{escape(cost_name)}</text>',
    ]
    for value in across.ticks():
        parts.append(
            f'<line x1="{x(value):.1f}" y1="{TOP}" x2="{x(value):.1f}" y2="{HEIGHT - BOTTOM}" stroke="{RULE}"/>'
            f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="{INK}">'
            f"{short(value)}</text>"
        )
    for value in up.ticks():
        parts.append(
            f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}" stroke="{RULE}"/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="{INK}">{short(value)}</text>'
        )
    if limit is not None and not near:
        parts.append(
            f'<text x="{WIDTH - RIGHT}" y="{TOP - 6}" text-anchor="end" fill="{INK}">limit {short(limit)} \u2192</text>'
        )
    elif limit is not None:
        parts.append(
            f'<line x1="{x(limit):.1f}" y1="{TOP}" x2="{x(limit):.1f}" y2="{HEIGHT - BOTTOM}" stroke="{INK}" '
            f'stroke-dasharray="5 4"/>'
            f'<text x="{x(limit) - 6:.1f}" y="{TOP + 12}" text-anchor="end" fill="{INK}">limit</text>'
        )
    front = sorted((point for point in points if point.front), key=lambda point: (point.cost, point.score))
    if len(front) > 1:
        line = " ".join(f"{x(point.cost):.1f},{y(point.score):.1f}" for point in front)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{FRONT}" stroke-width="1.5"/>')
    for point in sorted(points, key=lambda point: (point.chosen, point.front)):  # the chosen on top
        parts.append(_mark(point, x(point.cost), y(point.score)))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _mark(point: Point, x: float, y: float) -> str:
    if point.chosen:
        return f'<path d="M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z" fill="{CHOSEN}"/>'
    if point.front:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{FRONT}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#ffffff" stroke="{FAINT}" stroke-width="1.5"/>'
