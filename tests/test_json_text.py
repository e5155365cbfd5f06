"""Files of JSON that anybody may have edited."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.json_text import read_json

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=5,
)


@settings(max_examples=50)
@given(_VALUES)
def test_json_is_read_back(value):
    assert read_json(json.dumps(value)) == value


@given(st.text(alphabet='{}[]",:0123456789eE+-.NaInfity \\unl') | st.text())
def test_any_text_is_read_or_refused(text):
    try:
        read_json(text)
    except ValueError as error:
        assert str(error).startswith("no JSON: ") and "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e400", "the number 1e400 is too large"),
        ("-1" + "0" * 400 + ".0", "is too large"),
        ("9" * 5000, "an integer of 5000 digits"),
        ("-" + "9" * 19, "an integer of 19 digits"),
        ("[" * 100_000, "too many brackets"),
        ('{"a":' * 100_000, "too many brackets"),
        ("[" * 100_000 + "]" * 100_000, "too many brackets"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message) as refused:
        read_json(text)
    assert len(str(refused.value)) < 100
