"""Long curves with fewer points, that look the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float | None]  # None: there is no value, a gap
MAX_POINTS = 500
LARGEST = 1e300  # beyond it the room around a curve is not finite


def thinned(points: Sequence[Point], at_most: int = MAX_POINTS) -> list[Point]:
    """At most so many of the points, in their order: the ends, and of every bin the least, the greatest and a gap.

    So neither a spike nor a gap is ever lost, whatever the number of points.
    """
    if len(points) <= at_most:
        return list(points)
    inner = range(1, len(points) - 1)
    bins = (at_most - 2) // 3
    kept = {0, len(points) - 1}
    for number in range(bins):
        places = inner[len(inner) * number // bins : len(inner) * (number + 1) // bins]
        values = {place: value for place in places if (value := points[place][1]) is not None}
        kept |= set([place for place in places if place not in values][:1])
        if values:
            kept |= {min(values, key=values.__getitem__), max(values, key=values.__getitem__)}
    return [points[place] for place in sorted(kept)]


def with_gaps(value: object) -> float | None:
    """A figure of metrics.jsonl as a curve has it; None for what cannot be drawn."""
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < LARGEST:
        return float(value)
    return None
