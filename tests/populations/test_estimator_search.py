"""The final selection: by which score each of the last population is ranked."""

import math

import pytest

from nastk.estimators.score import Score
from nastk.populations.estimator_search import last_trained_first


def losses(*values):
    """Scores with these losses; None where there is none."""
    return [
        None
        if value is None
        else Score(value, "cross_entropy", "min", "validation", "test", accuracy=50.0, cost=1.0)
        for value in values
    ]


@pytest.mark.parametrize(
    ("trained", "final", "order"),
    [
        # 0 is of the last pair, 2 did best when it was trained; 1 and 3 have moved and stand by the final weights
        ((0.9, None, 0.2, None), (0.9, 3.0, 4.0, 2.0), [2, 0, 3, 1]),
        # who has moved comes behind them, however low its loss with the final weights
        ((0.9, None), (0.9, 0.1), [0, 1]),
        # nobody has moved
        ((0.9, 0.3, 0.2, 0.4), (0.1, 0.2, 0.3, 0.4), [2, 1, 3, 0]),
        # of equals the first
        ((0.5, None, 0.5, None), (4.0, 0.6, 2.0, 0.6), [0, 2, 1, 3]),
        # whose training diverged comes last, however good its final score
        ((math.nan, None, 0.7, math.inf), (0.1, math.nan, 3.0, 0.1), [2, 0, 1, 3]),
        # everybody's did: the final weights decide
        ((math.nan, math.nan, math.inf, math.nan), (4.0, math.nan, 3.0, 2.0), [3, 2, 0, 1]),
        # everybody has moved, as far as a checkpoint of an earlier version says
        ((None, None), (2.0, 1.0), [1, 0]),
    ],
)
def test_by_which_score_each_is_ranked(trained, final, order):
    assert last_trained_first(losses(*trained), losses(*final))[0] == order
