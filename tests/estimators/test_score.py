import math

import pytest

from nastk.estimators.score import Score, best_first


def score(value, direction="min"):
    return Score(value, "loss", direction, "validation", "test", 0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "direction", "order"),
    [
        ([2.0, 1.0, 3.0], "min", [1, 0, 2]),
        ([2.0, 1.0, 3.0], "max", [2, 0, 1]),
        ([1.0, 1.0], "min", [0, 1]),  # a tie goes by position
        ([1.0, 1.0], "max", [0, 1]),
        ([math.nan, 5.0], "min", [1, 0]),  # what is not finite is never first
        ([5.0, math.nan], "min", [0, 1]),
        ([math.inf, 5.0], "max", [1, 0]),
        ([-math.inf, 5.0], "min", [1, 0]),
        ([math.nan, math.inf], "min", [0, 1]),
    ],
)
def test_best_first(values, direction, order):
    assert best_first([score(value, direction) for value in values]) == order
