"""The moving average of weights, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nastk.engine.averaging import WeightAverage


def test_it_follows():
    """From 1 with decays of 1/10, 2/11 and then 0.2 (less than 3/12): the first steps hardly count."""
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    average = WeightAverage(network, 0.2)
    expected = 1.0
    for weight, decay in ((5.0, 1 / 10), (2.0, 2 / 11), (8.0, 0.2)):
        network.weight.data.fill_(weight)
        average.update(network)
        expected = decay * expected + (1 - decay) * weight
        assert average.network.weight.item() == pytest.approx(expected)
    assert network.weight.item() == 8.0


def test_running_statistics_are_averaged_and_counts_copied():
    network = nn.BatchNorm1d(1)
    average = WeightAverage(network, 0.5)
    network(torch.tensor([[1.0], [3.0]]))  # the running mean goes from 0 to 0.2
    average.update(network)
    assert average.network.running_mean.item() == pytest.approx(0.9 * 0.2)
    assert average.network.num_batches_tracked.item() == 1


def test_it_is_tested_and_not_trained():
    network = nn.Dropout(0.5)
    average = WeightAverage(nn.Sequential(nn.Linear(2, 2), network), 0.9)
    assert network.training and not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_it_goes_on_from_its_state():
    network = nn.Linear(2, 2)
    one, other = WeightAverage(network, 0.99), WeightAverage(nn.Linear(2, 2), 0.99)
    one.update(network)
    other.load_state_dict(one.state_dict())
    network.weight.data.add_(1.0)
    for average in (one, other):
        average.update(network)
    assert torch.equal(one.network.weight, other.network.weight)
