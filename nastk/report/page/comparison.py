"""Several runs side by side: a table, which one is best where they can be compared, their curves in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from nastk.report.page.curves import shared_curves
from nastk.report.page.elements import Html, section, table, tag
from nastk.report.page.story import Story, figure, network_of

HEADS = (
    *("run", "command", "method or cell", "data", "seed", "state", "score"),
    *("accuracy, %", "parameters", "MACs", "minutes"),
)


def compared(stories: Sequence[Story]) -> list[Html]:
    """Which is best, on top; then the table and the curves."""
    curves = shared_curves(stories)
    return [
        tag("div", *(tag("p", text) for text in _verdict(stories)), class_="conclusion"),
        section("comparison", "Comparison", table(HEADS, map(_row, stories), numbers=range(6, 11)), level=2),
        *([section("comparison-curves", "Curves of all", *curves)] if curves else []),
    ]


def _verdict(stories: Sequence[Story]) -> list[str]:
    """The best of the finished runs if all of these have measured the same; else why there is no saying."""
    finished = [story for story in stories if story.score[1] is not None]
    open_ = len(stories) - len(finished)
    beside = [f"{open_} of {len(stories)} runs without a result are left out."] if open_ else []
    if len(finished) < 2:
        return ["Fewer than two of the runs have a result to compare.", *beside]
    measured = {(story.config.command, story.score[0], story.config.data.dataset) for story in finished}
    if len(measured) > 1:
        return ["The runs have measured different things: no best one among them.", *beside]
    ordered = sorted(finished, key=_value, reverse=finished[0].higher_is_better)
    best, second = ordered[0], ordered[1]
    name = best.score[0]
    if _value(best) == _value(second):
        return [f"Best by {name}: {figure(_value(best))}, more than one run.", *beside]
    return [
        f"Best by {name}: {best.name} ({best.about}) with {figure(_value(best))}; "
        f"next {second.name} ({second.about}) with {figure(_value(second))}.",
        *beside,
    ]


def _value(story: Story) -> float:
    value = story.score[1]
    assert value is not None
    return value


def _row(story: Story) -> list[str]:
    summary = story.summary or {}
    name, value = story.score
    network = network_of(summary)
    return [
        story.name,
        story.config.command,
        story.about,
        story.dataset,
        str(story.config.run.seed),
        story.state,
        f"{figure(value)} {name}" if name else figure(None),
        figure(story.accuracy),
        *(figure(network.get(key)) for key in ("params", "macs")),
        figure(None) if story.time_s is None else f"{story.time_s / 60:.1f}",
    ]
