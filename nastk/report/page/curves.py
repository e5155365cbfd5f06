"""Which figures of metrics.jsonl are drawn, and which of them share a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from nastk.report.page.curves_svg import MAX_LINES, Line, curves_svg
from nastk.report.page.elements import Html, figure, folded, tag
from nastk.report.page.story import Story
from nastk.report.page.thinning import with_gaps

FAMILIES = {"accuracy": "accuracy, in %", "loss": "loss"}  # names that end so share a picture


def own_curves(story: Story) -> list[Html]:
    """The curves of one run: accuracies, losses, and the others folded away."""
    lines = figures_of(story.metrics)
    main = []
    for ending, title in FAMILIES.items():
        family = [lines.pop(name) for name in list(lines) if name.endswith(ending)]
        main += [
            figure(title, curves_svg(f"{title} of {story.name}", family[start : start + MAX_LINES]))
            for start in range(0, len(family), MAX_LINES)
        ]
    others = [figure(name, curves_svg(f"{name} of {story.name}", [line])) for name, line in lines.items()]
    return ([tag("div", *main, class_="pair")] if main else []) + (
        [folded("Other curves", tag("div", *others, class_="pair"))] if others else []
    )


def shared_curves(stories: Sequence[Story]) -> list[Html]:
    """Accuracies and losses that several runs have, those of all in one picture a figure."""
    found = [figures_of(story.metrics) for story in stories]
    names = dict.fromkeys(name for lines in found for name in lines if name.endswith(tuple(FAMILIES)))
    pictures = []
    for name in names:
        lines = [
            Line(story.name, own[name].points)
            for story, own in zip(stories, found, strict=True)
            if name in own
        ]
        if len(lines) > 1:
            title = name.replace("_", " ")
            shown = list(islice(lines, MAX_LINES))
            legend = f"The first {MAX_LINES} of {len(lines)} runs." if len(lines) > MAX_LINES else ""
            pictures.append(figure(title, curves_svg(f"{title} of {len(shown)} runs", shown), legend))
    return [tag("div", *pictures, class_="pair")] if pictures else []


def figures_of(metrics: Sequence[dict[str, Any]]) -> dict[str, Line]:
    """Name -> its curve, of all figures that change; whole numbers are indices and counters, which are no curves.

    A row without the figure is passed over, one in which it is null (it was not finite) is a gap.
    """
    points: dict[str, list[tuple[float, float | None]]] = {}
    for row in metrics:
        for name, value in row.items():
            if name not in ("step", "time_s") and (value is None or isinstance(value, (int, float))):
                points.setdefault(name, []).append((row["step"], with_gaps(value)))
    whole = {
        name
        for name in points
        if all(isinstance(row[name], int) for row in metrics if row.get(name) is not None)
    }
    lines = {name: Line(name, found) for name, found in points.items() if name not in whole}
    return {
        name: line
        for name, line in lines.items()
        if line.values and (name.endswith(tuple(FAMILIES)) or len(set(line.values)) > 1)
    }
