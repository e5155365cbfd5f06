"""Scores, and the one rule that orders them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nastk.engine.training import Averages
from nastk.genotype import Genotype, parse, to_json


@dataclass(frozen=True)
class Score:
    """What an estimator says of one genotype.

    value of `metric`, better as `direction` says ("min" or "max"), measured on `split` by `source`;
    accuracy in % beside it, NaN if there is none; cost in passes over the training images. excess: how far its
    network is beyond the limits of the search (costs.limits.Limits.excess), 0 within them.
    """

    value: float
    metric: str
    direction: str
    split: str
    source: str
    accuracy: float
    cost: float
    excess: float = 0.0

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value)

    def figures(self, prefix: str = "") -> dict[str, float]:
        """The value and, if there is one, the accuracy, as the figures of a step name them."""
        name = "loss" if self.metric == "cross_entropy" else self.metric
        found = {prefix + name: self.value}
        if not math.isnan(self.accuracy):
            found[f"{prefix}accuracy"] = self.accuracy
        return found

    @classmethod
    def of_validation(cls, found: Averages, *, source: str, cost: float) -> Score:
        """The cross-entropy on the validation half."""
        return cls(found.loss, "cross_entropy", "min", "validation", source, found.accuracy, cost)

    def to_json(self) -> dict[str, Any]:
        """Without the excess where there is none."""
        return {name: value for name, value in asdict(self).items() if name != "excess" or value}


def best_first(scores: Sequence[Score]) -> list[int]:
    """The positions of the scores, best first; ties by position; what is not finite comes last.

    Feasible before infeasible, among the infeasible the smaller excess, then the value.
    """
    signs = [1.0 if score.direction == "min" else -1.0 for score in scores]
    keys = [
        (not score.finite, score.excess, sign * score.value if score.finite else 0.0)
        for score, sign in zip(scores, signs, strict=True)
    ]
    return sorted(range(len(scores)), key=keys.__getitem__)


def to_rows(ranking: Iterable[tuple[Genotype, Score, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Genotypes with their scores, and what else is known of each as JSON, as a checkpoint can hold them."""
    return [
        {"genotype": to_json(genotype), "score": score.to_json(), "beside": beside}
        for genotype, score, beside in ranking
    ]


def from_rows(rows: Iterable[dict[str, Any]]) -> list[tuple[Genotype, Score]]:
    """The genotypes and scores that `to_rows` was given."""
    return [(parse(row["genotype"])[0], Score(**row["score"])) for row in rows]
