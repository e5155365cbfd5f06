"""Fewer points: the ends, every spike and every gap stay."""

import math

from hypothesis import given
from hypothesis import strategies as st

from nastk.report.page.thinning import thinned, with_gaps

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=400)


@given(VALUES, st.integers(20, 60))
def test_what_is_kept(values, at_most):
    points = list(enumerate(values))
    kept = thinned(points, at_most)
    assert len(kept) <= max(at_most, 0) or kept == points
    places = [place for place, _ in kept]
    assert places == sorted(set(places)) and set(kept) <= set(points)
    finite = [value for value in values if value is not None]
    if finite:
        found = [value for _, value in kept if value is not None]
        assert (min(found), max(found)) == (min(finite), max(finite))
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])


def test_a_gap_among_many_points_stays():
    points = [(float(x), None if x == 7_001 else math.sin(x)) for x in range(20_000)]
    kept = thinned(points)
    assert 300 < len(kept) <= 500
    assert (7_001.0, None) in kept


def test_figures_that_cannot_be_drawn():
    assert [with_gaps(value) for value in (1, 0.5, None, "a", [1], math.nan, math.inf, 1.7e308)] == [
        *(1.0, 0.5),
        *[None] * 6,
    ]
