"""Gradient distances on a supernet made by hand (facts U1, U2, U3), and that scoring leaves no trace (U7)."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from nastk.engine.training import untouched
from nastk.networks.gates import Gates
from nastk.splitting.gradient_matching import distances, flat_gradient, mean_distances, with_option
from nastk.splitting.partition import best_partition, cut, within

NO_GATES = Gates(())


def by_hand(factors, scale=1.0):
    """Distances of operations y = c (x . w) with one shared w in R^6 and the loss mean(y)."""
    torch.manual_seed(0)
    weights = torch.randn(6, dtype=torch.float64, requires_grad=True)
    rounds = [(torch.randn(5, 6, dtype=torch.float64) + 1, torch.zeros(5), NO_GATES) for _ in range(3)]
    return mean_distances(
        lambda op, x, *_: scale * (factors[op] * (x @ weights)).mean(), rounds, range(len(factors)), [weights]
    )


def off_diagonal(table):
    return {(i, j): table[i][j] for i in range(len(table)) for j in range(i)}


def test_operations_that_agree_stay_together():
    table = by_hand([1.0, 1.0, -1.0])
    assert off_diagonal(table) == pytest.approx({(1, 0): 0, (2, 0): 2, (2, 1): 2}, abs=1e-3)
    groups = best_partition(table, 2)
    assert groups == ((0, 1), (2,))
    assert within(table, groups) == pytest.approx(0, abs=1e-3) and cut(table, groups) == pytest.approx(
        4, abs=2e-3
    )


def test_lengths_do_not_matter_signs_do():
    table = by_hand([1.0, 3.0, -1.0, -0.5])
    groups = best_partition(table, 2)
    assert groups == ((0, 1), (2, 3))
    assert within(table, groups) == pytest.approx(0, abs=1e-3) and cut(table, groups) == pytest.approx(
        8, abs=4e-3
    )
    assert np.allclose(by_hand([7.0, 3.0, -0.1, -50.0]), table, atol=1e-3)
    assert np.allclose(by_hand([1.0, 3.0, -1.0, -0.5], scale=7.0), table, atol=1e-3)
    assert best_partition(by_hand([1.0, -1.0, 3.0, -0.5]), 2) == ((0, 2), (1, 3))


def test_an_operation_without_gradient_is_1_from_all_others():
    table = by_hand([1.0, 0.0, -1.0])
    assert off_diagonal(table) == pytest.approx({(1, 0): 1, (2, 0): 2, (2, 1): 1}, abs=1e-3)


def test_a_round_without_any_gradient_says_nothing():
    weights = torch.ones(2, requires_grad=True)
    rounds = [
        (torch.tensor([0.0]), torch.zeros(1), NO_GATES),
        (torch.tensor([1.0]), torch.zeros(1), NO_GATES),
    ]
    sign = [1.0, -1.0]
    table = mean_distances(lambda op, x, *_: sign[op] * (x * weights).sum(), rounds, [0, 1], [weights])
    assert table[0][1] == pytest.approx(2, abs=1e-3)
    nothing = mean_distances(lambda *_: (0 * weights).sum(), rounds, [0, 1], [weights])
    assert nothing == [[1, 1], [1, 1]]
    assert mean_distances(lambda *_: torch.zeros(()), rounds, [0, 1], [weights]) == [[1, 1], [1, 1]]


def test_unused_parameters_are_zeros_and_grad_is_not_touched():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    assert flat_gradient((2 * used).sum(), [unused, used]).tolist() == [0, 0, 0, 2, 2]
    assert used.grad is None and unused.grad is None


def test_distances_are_1_minus_the_cosine():
    gradients = torch.randn(4, 9, dtype=torch.float64)
    found = distances(gradients)
    for i in range(4):
        for j in range(4):
            cosine = torch.cosine_similarity(gradients[i], gradients[j], dim=0)
            assert float(found[i, j]) == pytest.approx(1 - float(cosine), abs=1e-5)


def test_the_scored_operation_keeps_its_weight_in_a_mixture():
    path = Gates((((2, 1.0),), ((0, 1.0),)))
    assert with_option(path, 1, 3).rows == (((2, 1.0),), ((3, 1.0),))
    mixture = Gates((((0, 0.5), (2, 0.5)), ((0, 0.25), (1, 0.25), (2, 0.25), (3, 0.25))))
    assert with_option(mixture, 1, 3).rows == (((0, 0.5), (2, 0.5)), ((3, 0.25),))


def test_untouched_puts_buffers_and_modes_back():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.BatchNorm1d(3))
    network[2].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    draws = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())
    with untouched(network):
        assert network[2].training
        nn.Sequential(network[0], network[2])(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)))
    assert (network.training, network[0].training, network[2].training) == (True, True, False)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert draws[:2] == (random.getstate(), np.random.get_state()[1].tolist())
    assert torch.equal(draws[2], torch.get_rng_state())
