"""Partitions of an edge's operations: exact, ties, edge rules (facts U4, U5, U6)."""

import itertools

import pytest
import torch

from nastk.splitting.partition import best_partition, cut, edge_value, partitions, within


def random_distances(num, generator):
    d = torch.rand(num, num, generator=generator, dtype=torch.float64)
    return (d + d.T).tolist()


def two_groups(first, num, inside, across):
    return [[inside if (i in first) == (j in first) else across for j in range(num)] for i in range(num)]


@pytest.mark.parametrize(
    ("num", "min_size", "count"), [(7, 2, 56), (7, 1, 63), (5, 2, 10), (5, 1, 15), (3, 1, 3), (2, 2, 0)]
)
def test_how_many_partitions_into_two(num, min_size, count):
    found = list(partitions(num, 2, min_size))
    assert len(found) == len(set(found)) == count
    assert found == sorted(
        found, key=lambda groups: [g for i in range(num) for g in (0, 1) if i in groups[g]]
    )


@pytest.mark.parametrize("num", [3, 5, 7, 8])
@pytest.mark.parametrize("min_size", [1, 2, 3])
def test_the_best_is_what_brute_force_finds(num, min_size):
    generator = torch.Generator().manual_seed(num)
    for _ in range(50):
        distances = random_distances(num, generator)
        expected = None
        for sides in itertools.product((0, 1), repeat=num):
            groups = tuple(tuple(i for i in range(num) if sides[i] == g) for g in (0, 1))
            if sides[0] == 0 and min(map(len, groups)) >= min_size:
                value = sum(distances[i][j] for i in range(num) for j in range(i) if sides[i] == sides[j])
                if expected is None or value < expected[0]:
                    expected = value, groups
        found = best_partition(distances, 2, min_size)
        assert found == (expected[1] if expected else None)


def test_three_groups():
    assert len(list(partitions(5, 3))) == 25  # Stirling's number S(5, 3)
    distances = two_groups({0, 1}, 6, 0.0, 1.0)
    for i, j in itertools.product((2, 3), (4, 5)):
        distances[i][j] = distances[j][i] = 1.0
    assert best_partition(distances, 3, 2) == ((0, 1), (2, 3), (4, 5))


def test_ties_go_to_the_first_in_order():
    assert best_partition([[0.5] * 4 for _ in range(4)], 2, 2) == ((0, 1), (2, 3))


def test_what_is_not_allowed_is_passed_over():
    distances = two_groups({0, 1}, 4, 0.0, 1.0)
    found = best_partition(distances, 2, 1, allowed=lambda groups: (0, 1) not in groups)
    assert found is not None and found != ((0, 1), (2, 3))
    assert best_partition(distances, 2, 1, allowed=lambda _: False) is None


def test_edge_rules():
    alike, apart = two_groups(set(), 7, 0.01, 0.01), two_groups({0, 1, 2}, 7, 0.05, 1.5)
    groups = [best_partition(distances, 2, 2) for distances in (alike, apart)]
    assert groups[1] == ((0, 1, 2), (3, 4, 5, 6))
    assert within(apart, groups[1]) == pytest.approx(0.45)
    assert cut(apart, groups[1]) == pytest.approx(18)

    def preferred(rule):
        values = [edge_value(d, g, rule) for d, g in zip((alike, apart), groups, strict=True)]
        return values.index(max(values))

    assert (preferred("contrast"), preferred("cut"), preferred("within")) == (1, 1, 0)


def test_an_odd_operation_is_alone_only_if_groups_of_one_are_allowed():
    distances = two_groups({3}, 5, 0.05, 1.5)
    assert best_partition(distances, 2, 1) == ((0, 1, 2, 4), (3,))
    assert all(len(group) >= 2 for group in best_partition(distances, 2, 2))
