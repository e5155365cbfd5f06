"""Splitting the options of a decision into groups by their distances: pure functions.

Options that agree stay together: of all partitions into so many groups the one with the smallest
sum of distances within groups is taken, found by enumeration, which for fixed distances is the one
with the largest sum across groups. Sources: gradient matching for few-shot search (arXiv 2203.15207)
and its public code. Legend: n options, D [n][n] symmetric distances whose diagonal is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

Groups = tuple[tuple[int, ...], ...]  # positions 0 .. n - 1, each in one group
Distances = Sequence[Sequence[float]]

EDGE_RULES = ("contrast", "cut", "within")


def partitions(num: int, num_groups: int, min_size: int = 1) -> Iterator[Groups]:
    """All partitions of 0 .. num - 1 into `num_groups` groups of at least `min_size`, in lexicographic order.

    Groups stand by their lowest member, members ascend, so that no partition comes twice.
    """
    labels = [0] * num

    def assign(position: int, used: int) -> Iterator[Groups]:
        if num_groups - used > num - position:
            return
        if position == num:
            groups = tuple(tuple(i for i in range(num) if labels[i] == g) for g in range(num_groups))
            if min(map(len, groups)) >= min_size:
                yield groups
            return
        for label in range(min(used + 1, num_groups)):
            labels[position] = label
            yield from assign(position + 1, max(used, label + 1))

    if num_groups >= 1:
        yield from assign(0, 0)


def within(distances: Distances, groups: Groups) -> float:
    """The sum of distances of pairs that share a group."""
    return sum(distances[i][j] for group in groups for i, j in combinations(group, 2))


def cut(distances: Distances, groups: Groups) -> float:
    """The sum of distances of pairs in different groups."""
    return sum(distances[i][j] for one, other in combinations(groups, 2) for i in one for j in other)


def best_partition(
    distances: Distances,
    num_groups: int,
    min_size: int = 1,
    allowed: Callable[[Groups], bool] = lambda groups: True,  # noqa: ARG005
) -> Groups | None:
    """The partition with the smallest sum within groups; ties: the first in order; None if there is none.

    allowed: refuses partitions that cannot be used.
    """
    best, least = None, float("inf")
    for groups in partitions(len(distances), num_groups, min_size):
        value = within(distances, groups)
        if value < least and allowed(groups):
            best, least = groups, value
    return best


def edge_value(distances: Distances, groups: Groups, rule: str) -> float:
    """How worthwhile it is to split a decision (an edge, in the papers) so: the one with the largest value is split.

    contrast: the mean distance across groups minus the mean within (0 if no group has two), which
    compares between group sizes and is not misled by an edge on which everything agrees. cut: the
    sum across groups (the code's rule on NAS-Bench-201). within: the negated sum within groups (the
    code's rule on the DARTS space: it prefers edges on which everything agrees).
    """
    if rule == "cut":
        return cut(distances, groups)
    if rule == "within":
        return -within(distances, groups)
    assert rule == "contrast", rule
    num = len(distances)
    num_within = sum(len(group) * (len(group) - 1) // 2 for group in groups)
    num_across = num * (num - 1) // 2 - num_within
    across = cut(distances, groups) / num_across if num_across else 0.0
    return across - (within(distances, groups) / num_within if num_within else 0.0)
