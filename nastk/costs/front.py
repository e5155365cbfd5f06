"""The Pareto front of a ranking: whom nobody beats in score and in every cost at once."""

from __future__ import annotations

from collections.abc import Sequence

from nastk.costs.prices import Cost
from nastk.estimators.score import Score


def pareto_front(scores: Sequence[Score], costs: Sequence[Cost]) -> list[int]:
    """The places of those than which no other is at least as good in everything and better in something.

    In everything: the score, parameters, MACs and, where it is known, latency. Of equals the first stands for all;
    what is not finite is never in it. Ordered by parameters, the smallest first.
    """
    points = {}
    for place, (score, cost) in enumerate(zip(scores, costs, strict=True)):
        if score.finite:
            value = score.value if score.direction == "min" else -score.value
            points[place] = (value, *(figure for figure in cost if figure is not None))
    front = [
        place
        for place, point in points.items()
        if not any(
            all(a <= b for a, b in zip(rival, point, strict=True)) and (rival != point or other < place)
            for other, rival in points.items()
            if other != place
        )
    ]
    return sorted(front, key=lambda place: (points[place][1:], points[place][0]))
