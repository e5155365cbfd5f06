"""Gates of decisions with unlike many options, by hand."""

from collections import Counter

import pytest
import torch
from chain import CHAIN

from nastk.networks.gates import Gates, allowed, masked_softmax, one_hot, soft, uniform_mixture, uniform_path
from nastk.spaces.mask import Mask

PART = Mask(((0, 1), (1, 3), (2,)))


def test_a_path_is_one_hot_and_what_it_leaves_out_is_empty():
    assert one_hot(((2, 1), (0, 1)), 3) == Gates((((1, 1.0),), (), ((1, 1.0),)))
    assert one_hot(((1, 3), (1, 0), (1, 3)), 2) == Gates(((), ((0, 1.0), (3, 2.0))))


def test_a_uniform_path_takes_one_allowed_option_a_decision():
    draws = torch.rand(3, dtype=torch.float64, generator=torch.Generator().manual_seed(4)).tolist()
    gates = uniform_path(PART, torch.Generator().manual_seed(4))
    chosen = [row[int(draw * len(row))] for draw, row in zip(draws, PART.allowed, strict=True)]
    assert gates == Gates(tuple(((option, 1.0),) for option in chosen))


def test_a_uniform_path_takes_each_equally_often():
    generator, mask, num = torch.Generator().manual_seed(0), CHAIN.full_mask(), 2400
    counts = Counter(
        (decision, option)
        for _ in range(num)
        for decision, ((option, _),) in enumerate(uniform_path(mask, generator).rows)
    )
    assert len(counts) == 2 + 4 + 3
    for (decision, _), count in counts.items():
        assert count == pytest.approx(num / len(CHAIN.decisions[decision].options), rel=0.12)


def test_a_uniform_mixture_adds_up_to_1():
    assert uniform_mixture(PART) == Gates((((0, 0.5), (1, 0.5)), ((1, 0.5), (3, 0.5)), ((2, 1.0),)))


def test_a_mask_as_booleans_is_as_wide_as_the_widest_decision():
    assert allowed(CHAIN.full_mask(), 4).int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]]
    assert allowed(PART, 4).int().tolist() == [[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_a_softmax_is_over_what_a_decision_has():
    found = masked_softmax(torch.zeros(3, 4), allowed(CHAIN.full_mask(), 4))
    torch.testing.assert_close(found, torch.tensor([[1 / 2] * 2 + [0] * 2, [1 / 4] * 4, [1 / 3] * 3 + [0]]))
    found = masked_softmax(torch.tensor([[0.0] * 4, [9, 0, 9, 0], [9] * 4]), allowed(PART, 4))
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 1, 0]]))


def test_soft_gates_are_the_weights_of_what_is_allowed():
    """And pass their gradients on to these entries alone."""
    weights = torch.arange(12.0).view(3, 4).requires_grad_()
    rows = soft(weights, PART).rows
    one = torch.ones(())
    assert [[(option, (weight * one).item()) for option, weight in row] for row in rows] == [
        [(0, 0.0), (1, 1.0)],
        [(1, 5.0), (3, 7.0)],
        [(2, 10.0)],
    ]
    parts = [weight for row in rows for _, weight in row]
    sum(10**place * one * weight for place, weight in enumerate(parts)).backward()
    assert weights.grad.tolist() == [[1, 10, 0, 0], [0, 100, 0, 1000], [0, 0, 10_000, 0]]


def test_a_gate_is_there_once_a_channel_too():
    """And adds up the gradients of channels, of all that ask; what nobody asks for has a gradient of 0."""
    weights = torch.arange(6.0).view(2, 3).requires_grad_()
    ((_, first), _, (_, third)), ((_, fourth), *_) = soft(weights, Mask(((0, 1, 2), (0, 1, 2)))).rows
    assert first.per_channel(2).tolist() == [0, 0] and third.per_channel(4).tolist() == [2] * 4
    assert third.per_channel(2).stride() == (1,)  # an expanded scale is the trap of batch norm on the CPU
    loss = (third.per_channel(2) * torch.tensor([1.0, 10.0])).sum() + 100 * third.per_channel(4).sum()
    (loss + fourth * torch.tensor(7.0)).backward()
    assert weights.grad.tolist() == [[0, 0, 411], [7, 0, 0]]
