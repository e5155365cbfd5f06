"""Rank statistics: against brute force on short lists, and the known figures of the real table."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastk.estimators.score import Score, best_first
from nastk.stats import (
    bootstrap_draws,
    bootstrap_interval,
    dense_ranks,
    kendall_tau_b,
    kendall_tau_b_of_draws,
    larger_is_better,
    percentile_interval,
    spearman,
    spearman_of_draws,
    top_k_regret,
)

VALUES = st.one_of(st.integers(0, 3).map(float), st.floats(allow_nan=False))  # with ties and without
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30)


def columns(pairs):
    x, y = zip(*pairs, strict=True)
    return list(x), list(y)


def sign(difference):
    return (difference > 0) - (difference < 0)


def brute_force_tau_b(x, y):
    pairs = list(itertools.combinations(range(len(x)), 2))
    signs = [(sign((x[i] > x[j]) - (x[i] < x[j])), sign((y[i] > y[j]) - (y[i] < y[j]))) for i, j in pairs]
    untied = sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs)
    return sum(a * b for a, b in signs) / math.sqrt(untied) if untied else math.nan


def brute_force_ranks(values):
    return [
        statistics.mean(place for place, other in enumerate(sorted(values)) if other == value)
        for value in values
    ]


@given(PAIRS)
def test_tau_b_is_its_definition(pairs):
    x, y = columns(pairs)
    assert kendall_tau_b(x, y) == pytest.approx(brute_force_tau_b(x, y), nan_ok=True, abs=1e-12)


@given(PAIRS)
def test_spearman_is_pearson_of_average_ranks(pairs):
    x, y = columns(pairs)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(spearman(x, y))
    else:
        expected = statistics.correlation(brute_force_ranks(x), brute_force_ranks(y))
        assert spearman(x, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("correlation", "of_draws"), [(brute_force_tau_b, kendall_tau_b_of_draws), (spearman, spearman_of_draws)]
)
@given(PAIRS, st.data())
def test_correlations_of_a_draw_are_those_of_the_lists_that_it_makes(correlation, of_draws, pairs, data):
    x, y = columns(pairs)
    found = of_draws(x, y)
    for _ in range(2):  # a draw leaves nothing behind
        counts = data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x)))
        drawn = [pair for pair, times in zip(pairs, counts, strict=True) for _ in range(times)]
        expected = correlation(*columns(drawn)) if drawn else math.nan
        assert found(np.array(counts)) == pytest.approx(expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("correlation", [kendall_tau_b, spearman])
@given(PAIRS)
def test_correlations_look_at_ranks_only(correlation, pairs):
    x, y = columns(pairs)
    found = correlation(x, y)
    assert correlation(y, x) == pytest.approx(found, nan_ok=True, abs=1e-12)
    assert correlation([-value for value in x], y) == pytest.approx(-found, nan_ok=True, abs=1e-12)
    assert correlation(dense_ranks(x), dense_ranks(y)) == pytest.approx(found, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("correlation", [kendall_tau_b, spearman])
def test_correlations_of_whole_lists(correlation):
    assert correlation([1, 2, 3], [1, 4, 9]) == pytest.approx(1)
    assert correlation([1, 2, 3], [0, -1, -math.inf]) == pytest.approx(-1)
    assert math.isnan(correlation([1], [2]))
    many = np.random.default_rng(0).permutation(200_000)  # more than 16 bits
    assert correlation(many, many) == pytest.approx(1)
    assert correlation(many, -many) == pytest.approx(-1)


def test_ties_of_tau_b():
    """5 concordant pairs, none discordant, one tied in each list: 5 / sqrt(5 x 6) with six pairs."""
    assert kendall_tau_b([1, 1, 2, 3], [1, 2, 3, 4]) == pytest.approx(5 / math.sqrt(30))


def test_tau_b_of_a_draw():
    """Of (1, 1), (2, 3), (3, 2), drawn once, twice and once, three pairs agree, two do not, one is tied in both."""
    assert kendall_tau_b_of_draws([1, 2, 3], [1, 3, 2])(np.array([1, 2, 1])) == pytest.approx((3 - 2) / 5)


@given(st.lists(st.one_of(VALUES, st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(-5, 70))))
def test_dense_ranks(values):
    values = [value for value in values if not math.isnan(value)]
    order = sorted(set(values))
    assert dense_ranks(values).tolist() == [order.index(value) for value in values]


@pytest.mark.parametrize("direction", ["min", "max"])
@given(st.lists(st.floats(), max_size=20))
def test_larger_is_better_has_the_rule_of_scores(direction, values):
    """The same order, the same ties, and what is not finite last, as where candidates are chosen."""
    scores = [Score(value, "x", direction, "validation", "test", 0.0, 0.0) for value in values]
    found = larger_is_better(values, direction)
    assert np.argsort(-found, kind="stable").tolist() == best_first(scores)
    assert not np.isnan(found).any()
    assert all((value == -math.inf) == (not score.finite) for value, score in zip(found, scores, strict=True))


def brute_force_regret(scores, truth, k):
    """The mean over all orders of the list of what a stable sort finds."""
    regrets = []
    for order in itertools.permutations(range(len(scores))):
        first = sorted(order, key=lambda position: -scores[position])[:k]
        regrets.append(max(truth) - max(truth[position] for position in first))
    return statistics.mean(regrets)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(-100, 100)), min_size=1, max_size=6), st.integers(1, 7)
)
def test_regret_is_the_mean_over_the_orders_of_ties(pairs, k):
    scores, truth = columns(pairs)
    assert top_k_regret(scores, truth, k) == pytest.approx(brute_force_regret(scores, truth, k), abs=1e-9)


def test_regret():
    scores, truth = [3, 2, 1, -math.inf], [70.0, 90.0, 95.0, 80.0]
    assert [top_k_regret(scores, truth, k) for k in (1, 2, 3, 4, 100)] == [25, 5, 0, 0, 0]
    # a cross-entropy, for which lower is better: the best truth is 0.5, the chosen one 0.8
    assert top_k_regret(
        larger_is_better([0.1, 0.2], "min"), larger_is_better([0.8, 0.5], "min"), 1
    ) == pytest.approx(0.3)
    assert top_k_regret([1, 1, 1], [0.0, 3.0, 6.0], 1) == pytest.approx(3)
    assert top_k_regret([1, 1, 1], [0.0, 3.0, 6.0], 2) == pytest.approx(1)  # 6, 6, 3


def test_interval_of_a_mean():
    """The standard error of the mean of n values is sd / sqrt(n)."""
    generator = np.random.default_rng(0)
    values = generator.normal(10, 2, size=400)
    low, high = bootstrap_interval(lambda drawn: float(values[drawn].mean()), 400, generator=generator)
    assert (low, high) == pytest.approx((values.mean() - 0.196, values.mean() + 0.196), abs=0.03)
    narrow = bootstrap_interval(
        lambda drawn: float(values[drawn].mean()), 400, generator=generator, level=0.5
    )
    assert low < narrow[0] < narrow[1] < high


def test_several_values_of_the_same_draws():
    """An interval of each is that of its own bootstrap, and NaN in one is none in the other."""
    values = np.random.default_rng(0).normal(size=30)

    def mean(drawn):
        return float(values[drawn].mean())

    def some(drawn):
        return mean(drawn) if 0 in drawn else math.nan

    both = bootstrap_draws(
        lambda drawn: [mean(drawn), some(drawn)], 30, generator=np.random.default_rng(5), draws=200
    )
    assert both.shape == (200, 2)
    for column, statistic in zip(both.T, (mean, some), strict=True):
        alone = bootstrap_interval(statistic, 30, generator=np.random.default_rng(5), draws=200, level=0.9)
        assert percentile_interval(column, 0.9) == alone
    assert 0 < np.isnan(both[:, 1]).sum() < 200 and not np.isnan(both[:, 0]).any()


def test_a_paired_interval_is_that_of_the_difference():
    """Two rankings that share their noise: together they are told apart, each alone they are not."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=100)
    first, second = noise, noise + 0.1
    apart = [
        bootstrap_interval(lambda drawn, v=v: float(v[drawn].mean()), 100, generator=generator)
        for v in (first, second)
    ]
    paired = bootstrap_interval(lambda drawn: float((second - first)[drawn].mean()), 100, generator=generator)
    assert apart[0][1] > apart[1][0]
    assert paired == pytest.approx((0.1, 0.1))


def test_an_interval_over_seeds_is_wider_than_one_over_architectures():
    """Where the seeds differ, which architectures alone do not show."""
    generator = np.random.default_rng(0)
    truth = generator.normal(size=60)
    noise = np.array([0.1, 1.0, 4.0])[:, None] * generator.normal(size=(3, 60))
    found = truth + noise  # [seeds, n]

    def mean_tau(seeds, archs):
        return statistics.mean(kendall_tau_b(found[seed, archs], truth[archs]) for seed in seeds)

    both = bootstrap_interval(mean_tau, 3, 60, generator=generator, draws=200)
    archs = bootstrap_interval(lambda drawn: mean_tau(range(3), drawn), 60, generator=generator, draws=200)
    assert both[1] - both[0] > 2 * (archs[1] - archs[0])


def test_intervals_of_nothing_and_their_seed():
    x, y = np.array([0, 0, 1]), np.array([0, 1, 2])

    def interval(seed):
        generator = np.random.default_rng(seed)
        return bootstrap_interval(lambda drawn: kendall_tau_b(x[drawn], y[drawn]), 3, generator=generator)

    assert interval(1) == interval(1)
    assert all(map(math.isfinite, interval(1)))  # in some draws all is tied: they do not count
    nothing = bootstrap_interval(lambda _: math.nan, 3, generator=np.random.default_rng(0), draws=5)
    assert all(map(math.isnan, nothing))


def test_figures_of_nasbench201(shared_data):
    """Recomputed independently of nastk when the data were collected."""
    with np.load(shared_data / "nasbench201.npz", allow_pickle=False) as table:
        truth, validation = table["test_acc_200"], table["val_acc_12"]
        supernets = [table["supernet_oneshot_acc"], table["supernet_fewshot_acc"]]
    taus = [kendall_tau_b(scores, truth[:, 0]) for scores in supernets]
    assert taus == pytest.approx([0.4841, 0.5504], abs=5e-5)
    assert [spearman(scores, truth[:, 0]) for scores in supernets] == pytest.approx([0.676, 0.741], abs=5e-4)
    both = [(validation[:, place], truth[:, place]) for place in range(3)]
    assert [kendall_tau_b(*pair) for pair in both] == pytest.approx([0.5943, 0.6446, 0.6428], abs=5e-5)
    assert [spearman(*pair) for pair in both] == pytest.approx([0.7718, 0.8248, 0.8183], abs=5e-5)
    chosen = [truth[:, place].max() - top_k_regret(*pair, 1) for place, pair in enumerate(both)]
    assert chosen == pytest.approx([94.3733, 72.28, 46.4778], abs=5e-5)
    # of the 30 architectures that tie at the one-shot maximum any one may be taken
    tied = truth[supernets[0] == supernets[0].max(), 0]
    assert len(tied) == 30
    assert top_k_regret(supernets[0], truth[:, 0], 1) == pytest.approx(truth[:, 0].max() - tied.mean())
