"""What is packed comes back as it was, and what was never packed does not come back at all."""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import pytest
import torch

from nastk.engine.digest import digest
from nastk.engine.packing import pack, unpack

WEIGHTS = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
STATES: dict[str, Any] = {
    "numbers": [None, True, False, 0, -1, 1.5, -0.0, 0.1, 1e300, float("inf"), float("nan"), 10**50],
    "texts": ["", "\ud800", '"', "tensor", "\u00e9\n"],
    "dicts": {"a": {1: "a", "1": "b", None: {}, 2.5: [], (1, 2): ()}, "tensor": 0, "dict": [[], []]},
    "nested": [[], [[]], (), [({"x": (1, [2])},)]],
    "tensors of one kind": [torch.full((3,), float(number)) for number in range(5)],
    "types": [torch.zeros(2, dtype=dtype) for dtype in (torch.float64, torch.bfloat16, torch.int64, torch.bool)],
    "shapes": [torch.ones(shape) for shape in [(), (0,), (1,), (2, 0), (0, 2), (1, 2), (2, 1)]],
    "layouts": [WEIGHTS, WEIGHTS.to(memory_format=torch.channels_last), WEIGHTS.mT, WEIGHTS[:, 1], WEIGHTS[0, 0, 0]],
    "odd numbers": torch.tensor([float("nan"), float("-inf"), -0.0, 1e-45]),
    "again": [WEIGHTS, WEIGHTS, {"again": WEIGHTS}],
    "in turn": [torch.zeros(2), torch.ones(3), torch.full((2,), 2.0), torch.full((3,), 3.0)],
    "parameters": OrderedDict(w=torch.nn.Parameter(WEIGHTS.clone()), b=torch.nn.Parameter(torch.ones(3))),
    "a tensor": torch.arange(3),
    "a number": 5,
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_packed_and_unpacked_it_is_the_same(name):
    found = unpack(*pack(STATES[name]))
    assert digest(found) == digest(STATES[name])
    assert _types(found) == _types(STATES[name])


def _types(value: Any) -> Any:
    """The types of all that is in lists, tuples and dicts, in their order."""
    if isinstance(value, dict):
        return dict, [_types(part) for pair in value.items() for part in pair]
    if isinstance(value, (list, tuple)):
        return type(value), list(map(_types, value))
    return torch.Tensor if isinstance(value, torch.Tensor) else type(value)


def test_few_large_tensors():
    """One of every shape and type, however many there are."""
    state = {f"cells.{number}": {"w": torch.rand(2, 3), "n": torch.tensor(number)} for number in range(500)}
    _, stacks = pack(state)
    found = {(stack.dtype, tuple(stack.shape)) for stack in stacks}
    assert found == {(torch.float32, (500, 2, 3)), (torch.int64, (500,))} and len(stacks) == 2


def test_neither_side_holds_the_other_s_numbers():
    """The job trains on while a checkpoint is held, and takes parts of one for its own."""
    weights = [torch.zeros(2), torch.zeros(2)]
    text, stacks = pack(weights)
    weights[0] += 1
    found = unpack(text, stacks)
    found[0] += 5
    assert [value.tolist() for value in found] == [[5, 5], [0, 0]]
    assert stacks[0].tolist() == [[0, 0], [0, 0]] and found[0].untyped_storage().nbytes() == 8


@pytest.mark.parametrize("odd", [b"x", 1j, {1, 2}, torch.float32, Decimal(1)], ids=repr)
def test_what_no_job_may_have(odd):
    with pytest.raises(TypeError):
        pack({"x": [odd]})


ROWS = torch.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "[1] 2", '{"tensor": 0}', "[]", '{"set": [1]}', '{"dict": [["a"], []]}', '{"dict": [[[]], [1]]}',
        '{"dict": 5}', '{"dict": [["a"], [1]], "tuple": []}', "{}", '{"tensor": "0"}', '{"tensor": 1}',
        '{"tensor": [0]}', '{"tensor": 0.0}', "[" * 100_000 + "]" * 100_000, "1" * 5000,
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_what_was_never_packed(text):
    with pytest.raises(Exception):  # noqa: B017
        unpack(text, [ROWS])


def test_no_row_is_used_twice_and_none_is_left():
    """So a text cannot claim more numbers than there are."""
    for num in range(6):
        text = json.dumps([{"tensor": 0}] * num)
        if num == len(ROWS):
            assert torch.equal(torch.stack(unpack(text, [ROWS])), ROWS)
            continue
        with pytest.raises((ValueError, IndexError)):
            unpack(text, [ROWS])


@pytest.mark.parametrize("stack", [torch.zeros(()), 5, None, [1, 2, 3]], ids=repr)
def test_what_is_no_stack(stack):
    with pytest.raises(Exception):  # noqa: B017
        unpack('[{"tensor": 0}, {"tensor": 0}, {"tensor": 0}]', [stack])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_from_the_gpu():
    state = {
        "w": [WEIGHTS.cuda() * number for number in range(3)],
        "seed": torch.arange(5, dtype=torch.uint8),
    }
    text, stacks = pack(state)
    assert len(stacks) == 2 and all(stack.device.type == "cpu" for stack in stacks)
    assert digest(unpack(text, stacks)) == digest(state)
