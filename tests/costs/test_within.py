"""The strongest choice within limits, held against all choices one by one."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nastk.costs.within import Alternative, strongest_within

PRICES = st.sampled_from([0, 0, 1, 3, 7, 7.5, 20])
STRENGTHS = st.sampled_from([0.0, 0.1, 0.1, 0.25]) | st.floats(0, 1)


@st.composite
def problems(draw):
    num = draw(st.integers(1, 3))
    alternative = st.builds(Alternative, STRENGTHS, st.tuples(*[PRICES] * num))
    groups = draw(st.lists(st.lists(alternative, min_size=1, max_size=5), min_size=1, max_size=4))
    return groups, draw(st.lists(st.floats(0, 45), min_size=num, max_size=num))


@given(problems())
def test_as_strong_as_the_strongest_of_all(problem):
    groups, limits = problem

    def fits(chosen):
        return all(sum(one.price[k] for one in chosen) <= limit for k, limit in enumerate(limits))

    allowed = [chosen for chosen in itertools.product(*groups) if fits(chosen)]
    found = strongest_within(groups, limits)
    assert (found is None) == (not allowed)
    if found is not None:
        chosen = [group[place] for group, place in zip(groups, found, strict=True)]
        most = max(sum(one.strength for one in others) for others in allowed)
        assert fits(chosen) and abs(sum(one.strength for one in chosen) - most) < 1e-9


def test_of_equals_the_first():
    one = Alternative(0.5, (1.0,))
    assert strongest_within([[one, one], [Alternative(0.1, (0.0,)), one, one]], [2.0]) == [0, 1]
    assert strongest_within([[one]], [0.5]) is None
