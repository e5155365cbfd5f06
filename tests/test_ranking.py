"""Rankings that are read back from a run directory, where anybody may have edited them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from nastk.config import resolve
from nastk.ranking import Ranking
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
