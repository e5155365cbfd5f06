"""Rank statistics: does an ordering by scores agree with the ordering by truth, and how sure is that?

Everywhere larger is better: `larger_is_better` turns a metric round that is better when it is lower.
Legend: n architectures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def larger_is_better(values: ArrayLike, direction: str) -> Array:
    """The values [n] of a metric as float64, negated if `direction` is "min" rather than "max".

    What is not finite is the worst, and all of that ties: the rule of estimators.score.best_first.
    """
    assert direction in ("min", "max"), direction
    found = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(found), found if direction == "max" else -found, -np.inf)


def dense_ranks(values: ArrayLike) -> Array:
    """0 for the smallest value, 1 for the next larger, ... [n]: all that the correlations look at."""
    found = np.asarray(values)
    assert found.ndim == 1 and not np.isnan(found).any()
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def kendall_tau_b(x: ArrayLike, y: ArrayLike) -> float:
    """Kendall's tau-b of two lists [n], in O(n log n); NaN if all of one list is tied.

    (concordant - discordant) / sqrt((pairs not tied in x) (pairs not tied in y)). Source: Kendall, The
    treatment of ties in ranking problems (Biometrika 33, 1945).
    """
    return kendall_tau_b_of_draws(x, y)(_each_once(x))


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho of two lists [n]: Pearson's of the ranks, ties at their average; NaN if all of one tie."""
    return spearman_of_draws(x, y)(_each_once(x))


def kendall_tau_b_of_draws(x: ArrayLike, y: ArrayLike) -> Callable[[Array], float]:
    """A function that has kendall_tau_b of rows drawn from two lists [n], told how often each is drawn [n].

    Exactly what it is of the lists that the draw makes, but all sorting is done here and once: a draw only
    adds counts up. Sources: a draw as its counts is Efron, Bootstrap methods: another look at the jackknife
    (Annals of Statistics 7, 1979), section 5; the way of counting is Knight's (Journal of the American
    Statistical Association 61, 1966) with a radix sort for his merge sort.
    """
    first, second = dense_ranks(x), dense_ranks(y)
    assert len(first) == len(second)
    both = dense_ranks(first * (second.max(initial=0) + 1) + second)  # by x, ties by y
    num_discordant = _inversions_of_draws(second, np.argsort(both, kind="stable"))

    def tau_b(counts: Array) -> float:
        tied_first, tied_second, tied_both = (
            _num_pairs(_group_sizes(ranks, counts)) for ranks in (first, second, both)
        )
        pairs = _num_pairs(counts.sum())
        untied = (pairs - tied_first) * (pairs - tied_second)
        if not untied:
            return math.nan
        difference = pairs - tied_first - tied_second + tied_both - 2 * num_discordant(counts)
        return difference / math.sqrt(untied)

    return tau_b


def spearman_of_draws(x: ArrayLike, y: ArrayLike) -> Callable[[Array], float]:
    """What kendall_tau_b_of_draws is to kendall_tau_b, for spearman."""
    first, second = dense_ranks(x), dense_ranks(y)
    assert len(first) == len(second)

    def rho(counts: Array) -> float:
        sizes, other_sizes = _group_sizes(first, counts), _group_sizes(second, counts)
        ranks, other_ranks = (  # the average ones, minus their mean
            np.cumsum(of) - (of + counts.sum()) / 2 for of in (sizes, other_sizes)
        )
        # Not with @, whose threads take more time on vectors than they save.
        square = float((sizes * ranks**2).sum()) * float((other_sizes * other_ranks**2).sum())
        product = float((counts * ranks[first] * other_ranks[second]).sum())
        return product / math.sqrt(square) if square else math.nan

    return rho


def top_k_regret(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """The best truth of all minus the best truth among the k that `scores` [n] rank first.

    Where scores tie across the k-th place it is the mean over all orders of the tied: the order of the
    rows of a table is not a finding. k of n or more: 0. Truth must be finite.
    """
    found, real = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    assert len(found) == len(real) and len(real) > 0 and k > 0 and np.isfinite(real).all()
    best = float(real.max())
    if k >= len(found):
        return 0.0
    last = np.partition(found, -k)[-k]  # the k-th best score
    certain = real[found > last]
    floor = float(certain.max()) if len(certain) else -math.inf
    tied, num_drawn = np.maximum(np.sort(real[found == last])[::-1], floor), k - len(certain)
    return best - _mean_of_best(tied, num_drawn)


def bootstrap_interval(
    statistic: Callable[..., float],
    *sizes: int,
    generator: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile interval of a statistic when what it was computed from is drawn anew, with replacement.

    The percentile_interval of its bootstrap_draws. Two rankings are compared by a statistic that is their
    difference, so that both are of the same draw (a paired bootstrap).
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    return percentile_interval(bootstrap_draws(statistic, *sizes, generator=generator, draws=draws), level)


def bootstrap_draws(
    statistic: Callable[..., ArrayLike], *sizes: int, generator: np.random.Generator, draws: int
) -> Array:
    """What a statistic is, [draws], of what it was computed from drawn anew; of several values: [draws, values].

    statistic: gets one array of indices [size] for every size. `sizes` of (n,) resample architectures, of
    (seeds, n) seeds and architectures: the architectures alone hide how much a result owes to its seed.
    """
    return np.array(
        [statistic(*(generator.integers(size, size=size) for size in sizes)) for _ in range(draws)]
    )


def percentile_interval(found: Array, level: float) -> tuple[float, float]:
    """What lies around the middle `level` of a statistic's draws [draws], of which NaN do not count.

    All NaN: (NaN, NaN).
    """
    found = found[~np.isnan(found)]
    if not len(found):
        return math.nan, math.nan
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _each_once(values: ArrayLike) -> Array:
    return np.ones(len(np.asarray(values)), dtype=np.int64)


def _group_sizes(ranks: Array, counts: Array) -> Array:
    """How many are drawn of every rank, if rows with `ranks` [n] are drawn so often [n]."""
    return np.bincount(ranks, weights=counts).astype(np.int64)


def _num_pairs(sizes: Array) -> int:
    """The pairs within groups of these sizes."""
    return int((sizes * (sizes - 1)).sum()) // 2


def _inversions_of_draws(ranks: Array, order: Array) -> Callable[[Array], int]:
    """A function that has the pairs drawn, told how often each row is [n], of which the earlier ranks higher.

    ranks: dense, of the rows [n]; order: which row is first, second, ... [n]. Such a pair differs first in
    some bit, where the earlier has a one and the later a zero: bit by bit, the ones before a zero, of those
    with equal higher bits, are a range of the ones, the same for every draw.
    """
    largest = int(ranks.max(initial=0))
    smallest = np.min_scalar_type(largest)  # numpy sorts 16 bits by radix, in O(n)
    levels = []
    for bit in range(largest.bit_length()):
        higher = (ranks[order] >> (bit + 1)).astype(smallest)
        by_higher = np.argsort(higher, kind="stable")
        rows, higher = order[by_higher], higher[by_higher]
        is_one = (ranks[rows] >> bit) % 2 == 1
        end = np.cumsum(is_one)
        start = (end - is_one)[np.searchsorted(higher, higher)]  # where equal higher bits begin
        counted = ~is_one & (start < end)
        levels.append((np.append(len(ranks), rows[is_one]), rows[counted], start[counted], end[counted]))

    def num_inversions(counts: Array) -> int:
        counts = np.append(counts, 0)  # of a row that is before all ones and never drawn
        total = 0
        for ones, zeros, start, end in levels:
            drawn = np.cumsum(counts[ones])
            total += int(((drawn[end] - drawn[start]) * counts[zeros]).sum())
        return total

    return num_inversions


def _mean_of_best(values: Array, num_drawn: int) -> float:
    """The mean of the largest of `num_drawn` of the values [m], drawn without replacement; values descend.

    None of the first j is drawn with probability prod_{i<j} (m - num_drawn - i) / (m - i).
    """
    left = len(values) - np.arange(len(values))
    none_yet = np.cumprod(np.concatenate([[1.0], np.maximum(left - num_drawn, 0) / left]))
    return float(values @ (none_yet[:-1] - none_yet[1:]))
