"""Shrinking, the strongest options, and strengths that can be compared, by hand; options unlike many."""

import pytest

from nastk.spaces.derivation import fair_strengths, shrink, strongest
from nastk.spaces.mask import Mask

WHOLE = Mask(((0, 1), (0, 1, 2, 3), (0, 1, 2)))


def test_shrink_drops_the_weakest_and_of_a_tie_the_lowest():
    mask = shrink(Mask((tuple(range(8)),) * 2), [[0.1, 0.1, 0.3, 0.2, 0.1, 0.4, 0.5, 0.6], [0.125] * 8], 5)
    assert mask.allowed == ((2, 3, 5, 6, 7), (3, 4, 5, 6, 7))  # of 0, 1, 4 all fall; all are equal
    assert shrink(mask, [[9, 9, 0.3, 0.2, 9, 0.4, 0.5, 0.6], [0.125] * 8], 3).allowed == ((5, 6, 7),) * 2
    assert shrink(mask, [[0.125] * 8] * 2, 9) == mask


def test_shrink_leaves_decisions_alone_that_have_no_more():
    strengths = [[0.9, 0.1], [0.2, 0.4, 0.1, 0.3], [0.5, 0.3, 0.2]]
    assert shrink(WHOLE, strengths, 3).allowed == ((0, 1), (0, 1, 3), (0, 1, 2))
    assert shrink(WHOLE, strengths, 2).allowed == ((0, 1), (1, 3), (0, 1))
    assert shrink(WHOLE, strengths, 1).allowed == ((0,), (1,), (0,))


def test_the_strongest_is_among_what_is_allowed_and_of_a_tie_the_lowest():
    strengths = [[0.4, 0.6], [0.7, 0.1, 0.1, 0.1], [0.3, 0.3, 0.4]]
    assert strongest(WHOLE, strengths) == (1, 0, 2)
    assert strongest(Mask(((0,), (1, 2, 3), (0, 1))), strengths) == (0, 1, 0)


def test_rows_as_wide_as_the_widest_decision_s_may_be_given():
    """As a relaxation has them: what a decision does not have is 0 there."""
    strengths = [[0.4, 0.6, 0.0, 0.0], [0.1, 0.2, 0.4, 0.3], [0.3, 0.5, 0.2, 0.0]]
    assert strongest(WHOLE, strengths) == (1, 2, 1)
    assert shrink(WHOLE, strengths, 2).allowed == ((0, 1), (2, 3), (0, 1))


def test_equal_parameters_prefer_no_decision():
    """A softmax over n options of equal parameters is 1 / n for each: a merit of none."""
    fair = fair_strengths(WHOLE, [[1 / 2] * 2, [1 / 4] * 4, [1 / 3] * 3])
    assert [value for row in fair for value in row] == pytest.approx([1 / 4] * 9)
    assert fair_strengths(Mask(((0,), (1, 3))), [[1.0, 0.0], [0.2, 0.2, 0.3, 0.6]]) == [
        [0.5, 0.0],
        [0.2, 0.2, 0.3, 0.6],
    ]


def test_where_all_have_alike_many_options_strengths_stay_as_they_are():
    strengths = [[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]]
    assert fair_strengths(Mask(((0, 1, 2),) * 2), strengths) == strengths
    assert fair_strengths(Mask(((0, 2), (1, 2))), strengths) == strengths
