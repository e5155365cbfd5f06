"""Rankings: what a table's column or a search says of many architectures, and how well two of them agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nastk import stats
from nastk.config import Config
from nastk.json_text import read_json
from nastk.registry import load_space
from nastk.run import RunError, read_text
from nastk.shown import shown
from nastk.tables.table import Column

CORRELATIONS = {"kendall_tau_b": stats.kendall_tau_b_of_draws, "spearman": stats.spearman_of_draws}
TOP = (1, 10)  # the k of the regrets
DRAWS = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Ranking:
    """Architectures of `space`, by their bodies, with the values of `metric` on `dataset`, measured on `split`.

    direction: "min" or "max", which way the metric is better. Values that are not finite count as the worst.
    """

    space: str
    dataset: str
    metric: str
    direction: str
    split: str
    values: dict[Hashable, float]

    @classmethod
    def of_column(cls, column: Column) -> Ranking:
        quantity = column.quantity
        values: dict[Hashable, float] = dict(zip(column.archs, column.values.tolist(), strict=True))
        return cls(column.space, column.dataset, quantity.metric, quantity.direction, quantity.split, values)

    @classmethod
    def of_rows(cls, config: Config, path: Path, name: str) -> Ranking:
        """The rows of {"score", "genotype"} in the file `name` of a search's run directory.

        Of several rows with one architecture the first counts. ValueError for other content.
        """
        assert config.space is not None
        space = load_space(config.space.name)
        values: dict[Hashable, float] = {}
        rows = read_rows(path / name)
        for number, row in enumerate(rows, start=1):
            try:
                body = space.body_from_json(row["genotype"])
            except ValueError as error:
                raise _not_scores(path / name, f"row {number}: {error}") from None
            value = row["score"]["value"]
            values.setdefault(body, math.nan if value is None else float(value))
        return cls(space.name, config.data.dataset, *_measured(rows[0]), values)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """What a search wrote about the architectures it ranked, each as {"score", "genotype"}.

    All scores are of one metric, numbers or None. ValueError for a file that is not so; what the
    genotypes are is not looked at.
    """
    try:
        rows = read_json(read_text(path))
    except RunError as error:
        raise ValueError(f"{path}: cannot be read: {str(error).removeprefix(f'{path}: ')}") from None
    except ValueError as error:
        raise _not_scores(path, error) from None
    if not isinstance(rows, list) or not rows:
        raise _not_scores(path, "expected a list of them")
    for number, row in enumerate(rows, start=1):
        fault = _fault_of(row) or (_measured(row) != _measured(rows[0]) and "measured as others are not")
        if fault:
            raise _not_scores(path, f"row {number}: {fault}")
    return rows


def _fault_of(row: Any) -> str | None:
    """What is wrong with a row, if anything is."""
    for name in ("score", "genotype"):
        if not isinstance(row, dict) or not isinstance(row.get(name), dict):
            return f"{name}: expected an object"
    value = row["score"].get("value", "nothing")
    if value is not None and type(value) not in (int, float):
        return f"score.value: expected a number or null, found {shown(value)}"
    if not all(isinstance(text, str) for text in _measured(row)):
        return "score: expected texts as metric, direction and split"
    direction = row["score"]["direction"]
    return None if direction in ("min", "max") else f"score.direction: found {shown(direction)}"


def _measured(row: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Metric, direction and split of a row's score."""
    score = row["score"]
    return score.get("metric"), score.get("direction"), score.get("split")


def _not_scores(path: Path, error: Exception | str) -> ValueError:
    return ValueError(f"{path}: not the scores of a search: {error}")


def check_seeds(scores: Sequence[Ranking], names: Sequence[str]) -> None:
    """ValueError if rankings, which messages call by `names`, can differ in more than their seed."""

    def measured(ranking: Ranking) -> str:
        return f"{ranking.metric} ({ranking.split}) of {ranking.space}, {ranking.dataset}"

    for ranking, name in zip(scores, names, strict=True):
        if measured(ranking) != measured(scores[0]):
            raise ValueError(
                f"{name} is {measured(ranking)}, {names[0]} is {measured(scores[0])}: no seeds of one another"
            )


def check_comparable(scores: Ranking, truth: Ranking) -> None:
    """ValueError if the two cannot be compared, whatever their values are."""
    if scores.space != truth.space:
        raise ValueError(f"the scores are of space {scores.space}, the truth is of {truth.space}")
    _check_number(sum(arch in truth.values for arch in scores.values))


def _check_number(found: int) -> None:
    if found < 2:
        raise ValueError(
            f"a ranking needs two architectures or more with both a score and a finite truth; found {found}"
        )


def agreement(scores: Sequence[Ranking], truth: Ranking) -> dict[str, Any]:
    """How well rankings by `scores` order the architectures that they share with `truth` as it does.

    scores: one, or several that differ in the seed of what they measured: the correlations and regrets are
    then means over seeds, and "seeds" has those of each. Positive correlations agree, whichever way each
    metric is better. n: the architectures compared; left_out: those whose truth is not finite. interval:
    the percentile interval of both correlations over architectures drawn anew, and over seeds if there are
    several; regrets have none, since the best of a sample is not the best of what it is drawn from.
    Correlations of rankings that are all tied are NaN. ValueError for fewer than two architectures.
    """
    for ranking in scores:
        check_comparable(ranking, truth)
    common = dict.fromkeys(arch for ranking in scores for arch in ranking.values if arch in truth.values)
    archs = [arch for arch in common if math.isfinite(truth.values[arch])]
    paired = [_Paired.of(ranking, truth, archs) for ranking in scores]
    seeds: list[dict[str, Any]] = [
        {
            "n": len(one.x),
            **one.correlations(np.ones(len(archs), dtype=np.int64)),
            "top_k_regret": {str(k): stats.top_k_regret(one.x, one.truth, k) for k in TOP},
        }
        for one in paired
    ]

    def means(*drawn: stats.Array) -> list[float]:
        counts = np.bincount(drawn[-1], minlength=len(archs))
        chosen = range(1) if len(drawn) == 1 else drawn[0]
        found = {seed: paired[seed].correlations(counts) for seed in set(chosen)}
        return [float(np.mean([found[seed][name] for seed in chosen])) for name in CORRELATIONS]

    sizes = [len(archs)] if len(scores) == 1 else [len(scores), len(archs)]
    drawn = stats.bootstrap_draws(means, *sizes, generator=np.random.default_rng(0), draws=DRAWS)
    interval = {
        "level": LEVEL,
        "draws": DRAWS,
        "over": "architectures" if len(scores) == 1 else "seeds and architectures",
        **{
            name: stats.percentile_interval(column, LEVEL)
            for name, column in zip(CORRELATIONS, drawn.T, strict=True)
        },
    }
    return {
        "n": len(archs),
        "left_out": len(common) - len(archs),
        **{name: float(np.mean([one[name] for one in seeds])) for name in CORRELATIONS},
        "top_k_regret": {str(k): float(np.mean([one["top_k_regret"][str(k)] for one in seeds])) for k in TOP},
        "interval": interval,
        **({"seeds": seeds} if len(scores) > 1 else {}),
    }


@dataclass(frozen=True)
class _Paired:
    """Scores and truth of the architectures that one ranking has, larger being better."""

    x: stats.Array  # [m]
    truth: stats.Array  # [m]
    places: stats.Array  # [m] where these stand among the architectures of all rankings
    of_draws: dict[str, Callable[[stats.Array], float]]  # the correlations of what is drawn of these

    @classmethod
    def of(cls, scores: Ranking, truth: Ranking, archs: Sequence[Hashable]) -> _Paired:
        places = [place for place, arch in enumerate(archs) if arch in scores.values]
        _check_number(len(places))
        own = [archs[place] for place in places]
        x = stats.larger_is_better([scores.values[arch] for arch in own], scores.direction)
        y = stats.larger_is_better([truth.values[arch] for arch in own], truth.direction)
        return cls(x, y, np.array(places), {name: prepare(x, y) for name, prepare in CORRELATIONS.items()})

    def correlations(self, counts: stats.Array) -> dict[str, float]:
        """Of those that this ranking has, where the architectures of all rankings are drawn so often [n]."""
        own = counts[self.places]
        return {name: correlation(own) for name, correlation in self.of_draws.items()}
