"""Limits: what is read of them, and how far a network is beyond."""

import pytest

from nastk.costs.front import pareto_front
from nastk.costs.limits import Limits, read_amount
from nastk.costs.prices import Cost
from nastk.estimators.score import Score


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500k", 500_000),
        ("1.5M", 1_500_000),
        ("2G", 2 * 10**9),
        ("750000", 750_000),
        ("1e6", 10**6),
        ("3 m", 3 * 10**6),
    ],
)
def test_amounts(text, amount):
    assert read_amount("limits.params", text) == amount


@pytest.mark.parametrize(
    "text", ["", "k", "-1", "0", "0.5", "1T", "1,000", "nan", "inf", "1e99", "٣k", "5 k k"]
)
def test_what_is_no_amount(text):
    with pytest.raises(
        ValueError, match=r"^limits\.macs: expected a number from 1 up, as in 500k, 1\.5M or 2G"
    ):
        read_amount("limits.macs", text)


def test_the_excess_is_in_shares_of_the_limits():
    limits = Limits(params=100, macs=1000)
    assert limits.excess(Cost(100, 1000)) == 0
    assert limits.excess(Cost(110, 900)) == pytest.approx(0.1)
    assert limits.excess(Cost(110, 1200)) == pytest.approx(0.3)
    assert Limits(latency_ms=2.0).excess(Cost(10**9, 10**9, 3.0)) == pytest.approx(0.5)
    assert limits and not Limits()
    assert str(Limits(params=1000, latency_ms=2.5)) == "at most 1,000 parameters and at most 2.5 ms"


def test_the_front():
    def score(value, direction="min"):
        return Score(value, "m", direction, "validation", "test", 0.0, 0.0)

    costs = [Cost(5, 5), Cost(3, 9), Cost(5, 5), Cost(9, 9), Cost(1, 1)]
    losses = [0.5, 0.4, 0.5, 0.4, float("nan")]
    # 1 is the best and small; 0 has fewer MACs; 2 is 0's equal, 3 is beaten by 1, 4 diverged
    assert pareto_front([score(loss) for loss in losses], costs) == [1, 0]
    accuracies = [50.0, 60.0, 50.0, 60.0, float("nan")]
    assert pareto_front([score(one, "max") for one in accuracies], costs) == [1, 0]
    timed = [cost._replace(latency_ms=float(number)) for number, cost in enumerate(costs)]
    assert pareto_front([score(0.5)] * 2, [timed[3], timed[0]]) == [1]
