"""Curves: which figures are drawn, and what a picture holds."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from nastk.report.page.curves import figures_of
from nastk.report.page.curves_svg import DASHES, HEIGHT, WIDTH, Line, curves_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_which_figures_are_curves():
    """Those that change and are no counters; accuracies and losses always, null being a gap, no figure none."""
    rows = [
        {
            "step": 1,
            "phase": "a",
            "time_s": 1.0,
            "index": 3,
            "lr": 0.1,
            "loss": 2.0,
            "flat": 0.5,
            "list": [1],
        },
        {"step": 2, "phase": "a", "time_s": 2.0, "index": 4, "lr": 0.2, "loss": None, "flat": 0.5},
        {"step": 3, "phase": "b", "time_s": 3.0, "lr": 0.0, "accuracy": 10.0, "num_steps": 9},
        {"step": 4, "phase": "b", "time_s": 4.0, "lr": 0, "loss": 1.0, "never": None},
    ]
    found = figures_of(rows)
    assert {name: list(line.points) for name, line in found.items()} == {
        "lr": [(1, 0.1), (2, 0.2), (3, 0.0), (4, 0.0)],
        "loss": [(1, 2.0), (2, None), (4, 1.0)],
        "accuracy": [(3, 10.0)],
    }


def test_a_gap_breaks_the_line_and_a_lone_value_is_a_dot():
    line = Line("loss", [(1, 3.0), (2, 2.0), (3, None), (4, 1.0), (5, None), (6, 2.0), (7, 2.5)])
    root = ElementTree.fromstring(curves_svg("t", [line]))
    drawn = [path.get("d") for path in root.iter(f"{SVG}path")][1:]  # behind the legend's
    assert len(drawn) == 1 and drawn[0].count("M") == 2 and drawn[0].count("L") == 2
    assert len(list(root.iter(f"{SVG}circle"))) == 1


def test_what_stands_where():
    """Greater is higher, later is further right, nothing is outside; each line has dashes of its own."""
    lines = [Line(f"n{number}", [(1, 1.0), (10, 2.0 + number)]) for number in range(len(DASHES))]
    root = ElementTree.fromstring(curves_svg("title <&>", lines))
    assert root.find(f"{SVG}title").text == "title <&>"
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width == WIDTH and height > HEIGHT
    paths = list(root.iter(f"{SVG}path"))
    assert {path.get("stroke-dasharray") for path in paths} == {*DASHES[1:], None}
    for path in paths[len(lines) :]:
        x0, y0, x1, y1 = map(float, re.findall(r"[\d.]+", path.get("d")))
        assert 0 < x0 < x1 < width and 0 < y1 < y0 < height
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {f"n{number}" for number in range(len(lines))} <= set(texts)


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-300, 1e299])
def test_a_curve_of_one_value(value):
    ElementTree.fromstring(curves_svg("t", [Line("x", [(1, value)])]))
    ElementTree.fromstring(curves_svg("t", [Line("x" * 200, [(1, value), (2, value)])]))
