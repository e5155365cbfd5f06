"""Masks: what is none, what a restriction changes, JSON; of decisions with options of their own, too."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastk.spaces.cell import DARTS
from nastk.spaces.decision import Decision
from nastk.spaces.mask import Mask

masks = st.lists(st.sets(st.integers(0, 8), min_size=1).map(lambda row: tuple(sorted(row)))).map(
    lambda rows: Mask(tuple(rows))
)


@given(masks)
def test_json_round_trip(mask):
    assert Mask.from_json(json.loads(json.dumps(mask.to_json()))) == mask
    assert hash(Mask.from_json(mask.to_json())) == hash(mask)


def test_a_full_mask_has_every_option_of_every_decision():
    decisions = [Decision("chain", "first", ("a", "b", "c")), Decision("chain", "second", ("d",))]
    assert Mask.full(decisions).allowed == ((0, 1, 2), (0,))
    assert Mask.full(decisions).to_json() == [[0, 1, 2], [0]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0], []], "mask: no option is left for decision 1"),
        ([[], [0]], "mask: no option is left for decision 0"),
        ([[1, 0]], "mask: options (1, 0) of decision 0 must ascend from 0 up"),
        ([[0], [1, 1]], "mask: options (1, 1) of decision 1 must ascend from 0 up"),
        ([[-1, 0]], "mask: options (-1, 0) of decision 0 must ascend from 0 up"),
    ],
)
def test_masks_that_are_none(rows, message):
    with pytest.raises(ValueError) as caught:
        Mask.from_json(rows)
    assert str(caught.value) == message


def test_restrict_changes_one_decision():
    full = DARTS.full_mask()
    mask = full.restrict(17, [5, 2, 5])
    assert mask.allowed[17] == (2, 5)
    assert [decision for decision in range(28) if mask.allowed[decision] != full.allowed[decision]] == [17]
    assert full == DARTS.full_mask()


def test_what_is_gone_never_comes_back():
    mask = DARTS.full_mask().restrict(0, [1, 2])
    assert mask.restrict(0, [2]).allowed[0] == (2,)
    with pytest.raises(
        ValueError, match=r"^mask: option 3 is not allowed for decision 0: it cannot come back$"
    ):
        mask.restrict(0, [2, 3])
    with pytest.raises(ValueError, match=r"^mask: no option is left for decision 0$"):
        mask.restrict(0, [])
