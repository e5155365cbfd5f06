"""pareto.json and pareto.svg: scores of a search's ranking against what the networks cost."""

from __future__ import annotations

from collections.abc import Sequence

from nastk.costs.front import pareto_front
from nastk.costs.limits import UNITS, Limits
from nastk.costs.prices import Cost
from nastk.estimators.score import Score
from nastk.registry import load_space
from nastk.report.pareto_svg import Point, pareto_svg
from nastk.run import Run
from nastk.search_method import SearchResult


def write_front(run: Run, result: SearchResult, costs: Sequence[Cost], limits: Limits) -> None:
    """The front of the ranking, the smallest first, and a picture of all of it.

    costs: of each of the ranking. The picture has the quantity that is limited, else parameters.
    """
    space = load_space(result.genotype.space)
    scores = [score for _, score in result.ranking]
    front = pareto_front(scores, costs)
    run.write_json(
        "pareto.json",
        [
            {
                "genotype": space.body_to_json(result.ranking[place][0].body),
                "score": scores[place].to_json(),
                **costs[place].to_json(),
            }
            for place in front
        ],
    )
    chosen = [genotype == result.genotype for genotype, _ in result.ranking]
    picture = front_svg(scores, costs, chosen, limits)
    if picture:
        run.write_text("pareto.svg", picture)


def front_svg(scores: Sequence[Score], costs: Sequence[Cost], chosen: Sequence[bool], limits: Limits) -> str:
    """The picture of a ranking, whose scores are all of one metric; "" where none of them is finite."""
    front = pareto_front(scores, costs)
    bounds = dict(zip(UNITS, limits.bounds(), strict=True))
    name = next((name for name, bound in bounds.items() if bound is not None), "params")
    points = [
        Point(getattr(cost, name), score.value, place in front, chosen[place])
        for place, (score, cost) in enumerate(zip(scores, costs, strict=True))
        if score.finite
    ]
    if not points:
        return ""
    what = f"{scores[0].split} {scores[0].metric.replace('_', ' ')}"
    return pareto_svg(points, UNITS[name], what, bounds[name])
