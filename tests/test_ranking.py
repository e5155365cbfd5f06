"""Rankings that are read back from a run directory, where anybody may have edited them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nastk import stats
from nastk.config import resolve
from nastk.ranking import Ranking, agreement
from nastk.spaces.nasbench201 import NASBENCH201

SCORE = {"value": 1.5, "metric": "cross_entropy", "direction": "min", "split": "validation", "cost": 0.0}
BODIES = [NASBENCH201.genotype([option] * 6).body for option in range(3)]
GENOTYPE = NASBENCH201.body_to_json(BODIES[0])
ROW = {"score": SCORE, "genotype": GENOTYPE}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a text as the ranking.json of a search in NAS-Bench-201's space."""
    config = resolve("search", "relativenas", "quick", ["space.name=nasbench201"])

    def read(text: str | bytes) -> Ranking:
        path = tmp_path / "ranking.json"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return Ranking.of_rows(config, tmp_path, "ranking.json")

    return read


def test_rows(read):
    """The first row of an architecture counts, null is no number, an integer is one."""
    values = [(0, 1.5), (1, None), (0, 7.0), (2, 3)]
    found = read(
        json.dumps(
            [
                {"score": SCORE | {"value": value}, "genotype": NASBENCH201.body_to_json(BODIES[number])}
                for number, value in values
            ]
        )
    )
    assert list(found.values) == BODIES
    assert found.values[BODIES[0]] == 1.5 and math.isnan(found.values[BODIES[1]])
    assert found.values[BODIES[2]] == 3.0
    assert (found.metric, found.direction, found.split) == ("cross_entropy", "min", "validation")


def _texts(field: str, value: str) -> str:
    """Two rows, the second one with a value that is written as `value`."""
    row = {"score": SCORE | {field: "HERE"}, "genotype": GENOTYPE}
    return json.dumps([ROW, row]).replace('"HERE"', value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "{}", "[]", "[1]", "[[]]", "NaN", "\0", "[" * 100_000, '{"a":' * 100_000, b"\xff"),
        *(json.dumps([ROW])[:-1], json.dumps(ROW), json.dumps([[ROW]])),
        *(_texts("value", value) for value in ("1e400", "-1e400", "NaN", "Infinity", "9" * 5000, "9" * 400)),
        *(_texts("value", value) for value in ('"1"', "true", "[1]", "{}", "[" * 100_000)),
        *(_texts("direction", value) for value in ('"up"', '"max"', "null", "1", "[]")),
        *(_texts("metric", value) for value in ('"accuracy"', "null", "[]", "{}")),
        *(_texts("split", value) for value in ('"test"', "null", "5")),
        *(json.dumps([ROW, odd]) for odd in (None, [], 1, {}, {"score": SCORE}, {"genotype": GENOTYPE})),
        *(json.dumps([ROW, {"score": odd, "genotype": GENOTYPE}]) for odd in (None, [], {}, 1, "x")),
        *(json.dumps([ROW, {"score": SCORE, "genotype": odd}]) for odd in (None, [], {}, 1, "x")),
        *(json.dumps([ROW, {"score": SCORE, "genotype": {"arch": odd}}]) for odd in (None, [], 1, "x")),
        json.dumps([{"score": {"value": 1.0}, "genotype": GENOTYPE}]),
        json.dumps(
            [{"score": {name: SCORE[name] for name in SCORE if name != "value"}, "genotype": GENOTYPE}]
        ),
    ],
    ids=lambda text: text[-40:] if isinstance(text, str) else "bytes",
)
def test_what_is_refused(text, read, tmp_path):
    with pytest.raises(ValueError) as refused:
        read(text)
    message = str(refused.value).removeprefix(f"{tmp_path / 'ranking.json'}: ")
    assert message.startswith(("not the scores of a search: ", "cannot be read: not UTF-8 text"))
    assert "\n" not in message and len(message) < 250


def _made(values: dict[int, float], direction: str) -> Ranking:
    return Ranking("space", "data", "metric", direction, "validation", dict(values))


@pytest.mark.parametrize("num", [2, 20, 300])
@pytest.mark.parametrize("num_seeds", [1, 3])
def test_intervals_are_those_of_the_lists_that_are_drawn(num, num_seeds, monkeypatch):
    """The bootstrap as it is defined, of lists made draw by draw; with ties, and seeds with rows of their own."""
    monkeypatch.setattr("nastk.ranking.DRAWS", 100)
    generator = np.random.default_rng(num)
    truth = generator.integers(0, num, size=num).astype(float)
    seeds = [np.round(truth + generator.normal(0, num / 3, size=num)) for _ in range(num_seeds)]
    has = [np.ones(num, dtype=bool), *(np.arange(num) != seed for seed in range(num_seeds - 1))]
    has = [rows if num > 2 else has[0] for rows in has]
    scores = [
        _made({row: -seed[row] for row in np.flatnonzero(rows)}, "min")
        for seed, rows in zip(seeds, has, strict=True)
    ]
    found = agreement(scores, _made(dict(enumerate(truth)), "max"))["interval"]
    for name in ("kendall_tau_b", "spearman"):
        correlation = getattr(stats, name)

        def mean(*drawn, correlation=correlation):
            chosen = drawn[0] if num_seeds > 1 else [0]
            lists = [(seeds[seed], drawn[-1][has[seed][drawn[-1]]]) for seed in chosen]
            return float(np.mean([correlation(seed[rows], truth[rows]) for seed, rows in lists]))

        sizes = (num,) if num_seeds == 1 else (num_seeds, num)
        expected = stats.bootstrap_interval(mean, *sizes, generator=np.random.default_rng(0), draws=100)
        assert found[name] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_rankings_that_are_all_tied_have_no_correlation_and_no_interval():
    found = agreement([_made(dict.fromkeys(range(5), 1.0), "max")], _made(dict(enumerate(range(5))), "max"))
    for name in ("kendall_tau_b", "spearman"):
        assert math.isnan(found[name]) and all(map(math.isnan, found["interval"][name]))
