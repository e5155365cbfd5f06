"""Two states have the same digest if and only if they are the same, bit for bit."""

from __future__ import annotations

import io
from collections import OrderedDict
from itertools import combinations

import pytest
import torch

from nastk.engine.digest import digest

DIFFERENT = [
    *(None, True, False, 0, 1, -1, 1.0, 0.0, -0.0, float("nan"), float("inf"), 10**50, "", "1", "None"),
    *([], {}, [[]], [[], []], [None], [1], [1, 2], [2, 1], [[1], 2], [[1, 2]], ["1"], [1.0]),
    *({"a": 1}, {"b": 1}, {"a": 2}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {1: "a"}, {"1": "a"}, ["a", 1]),
    *(torch.zeros(shape) for shape in [(), (0,), (1,), (2,), (1, 2), (2, 1), (0, 2), (4,), (2, 2)]),
    *(torch.zeros(2, dtype=dtype) for dtype in (torch.float64, torch.bfloat16, torch.half, torch.int32)),
    *(torch.zeros(2, dtype=dtype) for dtype in (torch.uint8, torch.int8, torch.bool, torch.complex64)),
    *(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]), torch.tensor([0.0, -0.0]), torch.tensor([1, 0])),
    *([0.0, 1.0], [torch.zeros(())], [torch.zeros(()), torch.zeros(())], "\ud800"),
]


def test_what_differs_has_another_digest():
    for one, other in combinations([*DIFFERENT, 10**5000, b"", b"1"], 2):
        assert digest(one) != digest(other), (one, other)


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda value: type(value).__name__)
def test_saved_and_loaded_it_has_the_same(value):
    buffer = io.BytesIO()
    torch.save({"value": value}, buffer)
    buffer.seek(0)
    assert digest(torch.load(buffer, weights_only=True)["value"]) == digest(value)


def test_what_is_the_same_however_it_is_kept():
    weights = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    same = [
        weights.to(memory_format=torch.channels_last),
        torch.cat([weights, weights])[2:],
        weights.clone().requires_grad_(),
        torch.nn.Parameter(weights.mT.contiguous().mT),
    ]
    assert {digest(other) for other in same} == {digest(weights)}
    assert digest((1, [2])) == digest([1, (2,)])
    assert digest(OrderedDict(a=1)) == digest({"a": 1})
    assert digest([weights, weights]) == digest([weights, weights.clone()])


def test_more_than_is_allowed():
    sixteen = torch.zeros(4)
    assert digest([sixteen, sixteen], most_bytes=16) == digest([sixteen, sixteen])  # the same one
    for state in (torch.zeros(5), [sixteen, torch.zeros(1)], torch.zeros(1).expand(10**9)):
        with pytest.raises(ValueError, match="larger than their file"):
            digest(state, most_bytes=16)


def test_what_is_met_again_is_not_looked_at_again():
    """Else this would take longer than there is time."""
    nested: list[object] = []
    for _ in range(200):
        nested = [nested, nested]
    assert len(digest(nested)) == 64
