"""Every notation, mutated: read, and then it survives being written, or refused in one printable line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notation_writers import FOR_ALL, FOR_DISTINCT, SAMPLE, UNORDERED

from nastk.genotype import parse, to_json

PIECES = [
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "=",
    "\n",
    "#",
    "\\",
    "-",
    ".",
    "0",
    "1",
    "6",
    "None",
]
ODD = [
    "none",
    "true",
    "Genotype(",
    "range(2, 6)",
    "\ud800",
    "\\U00110000",
    "\x1b",
    "1e999",
    "9" * 30,
    "'x': 1, ",
]


def read_or_refused(text, name=None):
    """Whether it was read; whatever is read survives its own notation."""
    try:
        genotype, provenance = parse(text, name)
    except ValueError as error:
        message = str(error)
        assert message.isprintable() and 0 < len(message) <= 1_500
        return False
    assert parse(to_json(genotype, provenance)) == (genotype, provenance)
    return True


def mutated(text, draw):
    """The text with one to three edits: something else in place of a few characters, or a part elsewhere."""
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 12))
        if draw(st.booleans()):
            piece = draw(st.sampled_from(PIECES + ODD) | st.text(max_size=2))
        else:
            start = draw(st.integers(0, len(text)))
            piece = text[start : start + draw(st.integers(0, 40))]
        text = text[:at] + piece + text[at + length :]
    return text


@pytest.mark.parametrize("write", FOR_ALL + FOR_DISTINCT + UNORDERED)
@settings(max_examples=40)
@given(st.data())
def test_mutations_are_read_or_refused(write, data):
    read_or_refused(mutated(write(SAMPLE), data.draw), data.draw(st.none() | st.sampled_from(["1", "x"])))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("none"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["normal", "reduce_concat", "normal_0", "normal/op_2_0", "normal_n2_p0", "normal_n2_switch", "recurrent"]
) | st.sampled_from(
    ["NetworkSelectorDatasetInfo:darts:edge_normal_0", "optimized_hyperparamater_config", "format"]
)


@settings(max_examples=100)
@given(st.dictionaries(KEYS, VALUES, max_size=5) | VALUES)
def test_any_value_is_read_or_refused(value):
    read_or_refused(repr(value))
    read_or_refused(f"none=0: {value!r}")
