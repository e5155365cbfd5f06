"""Genotype files and literals: what nastk writes it reads, and nothing else gets past a ValueError."""

import contextlib
import json
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.archs import load_arch
from nastk.genotype import Genotype, parse, read, to_json, to_literal
from nastk.registry import SPACES, load_space

CODECS = {name: load_space(name).codec(load_space(name).full_mask()) for name in SPACES}
CELL_SPACES = ("darts", "relativenas")
SPACE_NAMES = ", ".join(sorted(SPACES))
CELL = [["sep_conv_3x3", 0], ["skip_connect", 1]] * 4
VALID = {
    "format": "nastk-genotype",
    "version": 1,
    "space": "darts",
    "normal": CELL,
    "reduce": CELL,
    "concat": [2, 3, 4, 5],
    "provenance": {"seed": 0},
}
KNOWN = {name: f"(it has {', '.join(load_space(name).operations)})" for name in CELL_SPACES}
LITERAL = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)] * 4, normal_concat=[2, 3, 4, 5], "
    "reduce=[('sep_conv_3x3', 0), ('skip_connect', 1)] * 4, reduce_concat=[2, 3, 4, 5])"
).replace("[('sep_conv_3x3', 0), ('skip_connect', 1)] * 4", repr([tuple(pair) for pair in CELL]))


@st.composite
def genotypes(draw, spaces=tuple(CODECS)):
    codec = CODECS[draw(st.sampled_from(spaces))]
    return codec.decode([draw(st.floats(0, bound)) for bound in codec.upper])


def error_of(text):
    with pytest.raises(ValueError) as caught:
        parse(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


def with_pair(position, pair, field="normal"):
    return {field: [*CELL[:position], pair, *CELL[position + 1 :]]}


JSON_KEYS = st.sampled_from([*VALID, "sep_conv_3x3"]) | st.text(max_size=5)
JSON_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*VALID, "darts", 1])
    | st.text()
)
JSON_VALUES = st.recursive(
    JSON_LEAVES, lambda inner: st.lists(inner, max_size=9) | st.dictionaries(JSON_KEYS, inner), max_leaves=12
)


@given(genotypes(), st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_json_round_trip(genotype, provenance):
    text = to_json(genotype, provenance)
    assert parse(text) == (genotype, provenance)
    assert to_json(*parse(text)) == text


@pytest.mark.parametrize("name", ["DARTS_V2 = ", "\n PDARTS=", "", " "])
def test_a_literal_as_the_authors_files_have_it(name):
    genotype = load_arch("darts-v2").genotype
    assert parse(name + to_literal(genotype)) == (genotype, {})


@given(genotypes(CELL_SPACES))
def test_literal_round_trip(genotype):
    """A literal names no space: it is read as a DARTS cell where it can be one."""
    found, provenance = parse(to_literal(genotype))
    assert found.body == genotype.body
    assert provenance == {}
    distinct = all(
        cell[at][1] != cell[at + 1][1]
        for cell in (genotype.body.normal, genotype.body.reduce)
        for at in range(0, 8, 2)
    )
    assert found.space == ("darts" if distinct else "relativenas")


def test_a_genotype_is_a_value():
    one, other = parse(json.dumps(VALID))[0], parse(LITERAL)[0]
    assert one == other
    assert len({one, other}) == 1
    assert one != Genotype("relativenas", one.body)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": None}, "format: expected 'nastk-genotype', found None"),
        ({"format": "nastk"}, "format: expected 'nastk-genotype', found 'nastk'"),
        ({"format": [[[]]] * 2}, "format: expected 'nastk-genotype', found [[[]], [[]]]"),
        ({"version": 2}, "version: this nastk reads version 1, found 2"),
        ({"version": 0}, "version: this nastk reads version 1, found 0"),
        ({"version": None}, "version: this nastk reads version 1, found None"),
        ({"version": True}, "version: this nastk reads version 1, found True"),
        ({"version": 1.0}, "version: this nastk reads version 1, found 1.0"),
        ({"version": "1"}, "version: this nastk reads version 1, found '1'"),
        ({"version": float("nan")}, "version: this nastk reads version 1, found nan"),
        ({"space": None}, "space: expected a name, found None"),
        ({"space": ["darts"]}, "space: expected a name, found ['darts']"),
        (
            {"space": "dart"},
            "unknown space 'dart'; did you mean 'darts'? known: " + SPACE_NAMES,
        ),
        ({"space": ""}, "unknown space ''; known: " + SPACE_NAMES),
        ({"space": "\ud800"}, "unknown space '\\ud800'; known: " + SPACE_NAMES),
        ({"space": "x" * 999}, f"unknown space '{'x' * 57}...'; known: {SPACE_NAMES}"),
        ({"normal": None}, "normal: expected 8 (operation, input) pairs, found None"),
        ({"normal": {}}, "normal: expected 8 (operation, input) pairs, found {}"),
        ({"normal": "sep"}, "normal: expected 8 (operation, input) pairs, found 'sep'"),
        ({"normal": CELL[:7]}, "normal: expected 8 (operation, input) pairs, found 7"),
        ({"normal": []}, "normal: expected 8 (operation, input) pairs, found 0"),
        ({"reduce": [*CELL, CELL[0]]}, "reduce: expected 8 (operation, input) pairs, found 9"),
        (with_pair(0, None), "normal[0]: expected [operation, input], found None"),
        (with_pair(7, ["a"]), "normal[7]: expected [operation, input], found ['a']"),
        (with_pair(3, ["a", 1, 2], "reduce"), "reduce[3]: expected [operation, input], found ['a', 1, 2]"),
        (with_pair(0, ["none", 0]), "normal[0]: 'none' cannot be part of a found cell"),
        (
            with_pair(0, ["sep_conv", 0]),
            f"normal[0]: unknown operation 'sep_conv' in space 'darts' {KNOWN['darts']}",
        ),
        (
            with_pair(2, [["skip_connect"], 0]),
            f"normal[2]: unknown operation ['skip_connect'] in space 'darts' {KNOWN['darts']}",
        ),
        (
            with_pair(2, [{"a": 1}, 0]),
            f"normal[2]: unknown operation {{'a': 1}} in space 'darts' {KNOWN['darts']}",
        ),
        (
            with_pair(2, ["\udcff", 0]),
            f"normal[2]: unknown operation '\\udcff' in space 'darts' {KNOWN['darts']}",
        ),
        (with_pair(0, ["skip_connect", 2]), "normal[0]: the input of node 2 must be 0 to 1, found 2"),
        (with_pair(7, ["skip_connect", 5]), "normal[7]: the input of node 5 must be 0 to 4, found 5"),
        (with_pair(6, ["skip_connect", -1]), "normal[6]: the input of node 5 must be 0 to 4, found -1"),
        (with_pair(6, ["skip_connect", 0.0]), "normal[6]: the input of node 5 must be 0 to 4, found 0.0"),
        (with_pair(6, ["skip_connect", False]), "normal[6]: the input of node 5 must be 0 to 4, found False"),
        (with_pair(6, ["skip_connect", "0"]), "normal[6]: the input of node 5 must be 0 to 4, found '0'"),
        (with_pair(6, ["skip_connect", None]), "normal[6]: the input of node 5 must be 0 to 4, found None"),
        (
            with_pair(6, ["skip_connect", float("nan")]),
            "normal[6]: the input of node 5 must be 0 to 4, found nan",
        ),
        (
            with_pair(6, ["skip_connect", float("inf")]),
            "normal[6]: the input of node 5 must be 0 to 4, found inf",
        ),
        (
            with_pair(6, ["skip_connect", 10**99]),
            "normal[6]: the input of node 5 must be 0 to 4, found 100000000000000000...0000000000000000000",
        ),
        (
            with_pair(3, ["sep_conv_3x3", 0]),
            "normal[3]: node 3 takes input 0 twice, which space 'darts' forbids",
        ),
        ({"concat": [2, 3, 4]}, "concat: expected [2, 3, 4, 5], found [2, 3, 4]"),
        ({"concat": [5, 4, 3, 2]}, "concat: expected [2, 3, 4, 5], found [5, 4, 3, 2]"),
        ({"concat": [2.0, 3, 4, 5]}, "concat: expected [2, 3, 4, 5], found [2.0, 3, 4, 5]"),
        ({"concat": None}, "concat: expected [2, 3, 4, 5], found None"),
        ({"concat": 2}, "concat: expected [2, 3, 4, 5], found 2"),
        ({"provenance": None}, "provenance: expected an object, found None"),
        ({"provenance": []}, "provenance: expected an object, found []"),
        (
            {"provenance": {"score": float("inf")}},
            "provenance: expected what JSON has, and numbers that are finite",
        ),
    ],
)
def test_a_malformed_field_is_named(change, message):
    assert error_of(json.dumps(VALID | change)) == message


@pytest.mark.parametrize("field", ["format", "version", "space", "normal", "reduce", "concat"])
def test_a_missing_field_is_named(field):
    content = {key: value for key, value in VALID.items() if key != field}
    assert error_of(json.dumps(content)).startswith(f"{field}: ")


def test_provenance_may_be_missing_and_unknown_keys_are_left_alone():
    content = {key: value for key, value in VALID.items() if key != "provenance"} | {"later": 1}
    assert parse(json.dumps(content))[1] == {}


@pytest.mark.parametrize("name", ["relativenas-cifar10", "relativenas-cifar100"])
def test_published_cells_with_duplicate_inputs_are_accepted(name):
    """A9: the nodes of RelativeNAS's space may take the same input twice, even with the same operation."""
    genotype = load_arch(name).genotype
    assert parse(to_json(genotype))[0] == genotype
    assert parse(to_literal(genotype))[0] == genotype


def test_duplicate_inputs_belong_to_the_space():
    twice = {"normal": [["sep_conv_3x3", 1], ["sep_conv_3x3", 1]] * 4}
    assert parse(json.dumps(VALID | twice | {"space": "relativenas"}))[0].body.normal[0] == (
        "sep_conv_3x3",
        1,
    )
    assert error_of(json.dumps(VALID | twice)).startswith("normal[1]: node 2 takes input 1 twice")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a genotype: neither JSON nor Genotype(...): Expecting value: line 1 column 1 (char 0)"),
        ("null", "not a genotype: expected a JSON object, found NoneType"),
        ("[]", "not a genotype: expected a JSON object, found list"),
        ("NaN", "not a genotype: expected a JSON object, found float"),
        ("1", "not a genotype: expected a JSON object, found int"),
        ('{"version": 1, "version": 1}', "'version' is given twice"),
        ('{"provenance": {"a": 1, "a": 2}}', "'a' is given twice"),
    ],
)
def test_what_is_no_object(text, message):
    assert error_of(text) == message


@pytest.mark.parametrize("digits", [5000, 900_000])
def test_huge_integers(digits):
    assert error_of('{"version": ' + "9" * digits + "}").startswith("not a genotype: ")


def test_truncated_json_at_every_length():
    text = json.dumps(VALID)
    for length in range(len(text)):
        error_of(text[:length])


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"format":['])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting(opening, closed):
    for depth in [10, 100, *range(900, 1000, 3), 5_000, 100_000]:
        closing = {"[": "]", '{"a":': "}", '{"format":[': "]}"}[opening] if closed else ""
        error_of((opening * depth + "1" + closing * depth)[:1_000_000])


@pytest.mark.parametrize("field", ["format", "version", "space", "normal", "concat", "provenance"])
def test_deep_values_are_shown_in_short(field):
    """A value that just still parses must not overflow the stack of what shows it."""
    for depth in range(850, 1000):
        deep = "[" * depth + "]" * depth
        error_of(json.dumps(VALID | {field: "deep"}).replace('"deep"', deep))


@pytest.mark.parametrize("garbage", [b"\0", b"[", b"{", b'"', b"Genotype(", b" ", b"1"])
def test_fifty_megabytes_of_garbage_are_refused_at_once(garbage, tmp_path):
    path = tmp_path / "big.json"
    path.write_bytes(garbage * (50_000_000 // len(garbage)))
    start = time.perf_counter()
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: not a genotype: more than 4,000,000 bytes"
    assert time.perf_counter() - start < 3
    text = path.read_text()
    start = time.perf_counter()
    assert "characters (at most 1,000,000)" in error_of(text)
    assert time.perf_counter() - start < 3


def test_many_keys_of_which_two_are_alike_are_found_quickly():
    keys = ",".join(f'"{number}":1' for number in range(90_000))
    start = time.perf_counter()
    assert error_of("{" + keys + ',"0":1}') == "'0' is given twice"
    assert time.perf_counter() - start < 3


def test_files(tmp_path):
    path = tmp_path / "genotype.json"
    with pytest.raises(ValueError, match=r"^.*genotype\.json: cannot be read: No such file"):
        read(path)
    with pytest.raises(ValueError, match=": cannot be read: Is a directory"):
        read(tmp_path)
    path.write_bytes(b"\xff\xfe{\0}\0")
    with pytest.raises(ValueError, match=": not a genotype: not UTF-8 text"):
        read(path)
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"genotype\.json: format: expected"):
        read(path)
    for encoding in ("utf-8", "utf-8-sig"):  # some editors put a byte order mark first
        path.write_text(json.dumps(VALID), encoding=encoding)
        assert read(path) == parse(json.dumps(VALID))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device")
def test_a_device_is_named_and_not_read():
    with pytest.raises(ValueError, match=r"^/dev/zero: a device, not a file; save the genotype in one$"):
        read(Path("/dev/zero"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_a_pipe_and_a_socket_are_named_and_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    for name in ("pipe", "link"):
        with pytest.raises(ValueError, match=f"^{name}: a pipe, not a file; save the genotype in one$"):
            read(Path(name))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(ValueError, match=r"^socket: a socket, not a file; save the genotype in one$"):
            read(Path("socket"))


def test_a_path_that_cannot_be_printed_is_escaped(tmp_path):
    path = tmp_path / "a\nb\x1b\udcff.json"
    path.write_text("{")
    with pytest.raises(ValueError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{tmp_path}/a\\nb\\x1b\\udcff.json: not a genotype: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "concat",
    ["range(2, 6)", "range(2, 6, 1)", "(2, 3, 4, 5)", "[2, 3, 4, 5]"],
)
def test_the_ways_to_write_a_concat(concat):
    assert parse(LITERAL.replace("[2, 3, 4, 5]", concat))[0] == parse(LITERAL)[0]
    assert parse(LITERAL.replace("[2, 3, 4, 5]", concat, 1))[0] == parse(LITERAL)[0]


@pytest.mark.parametrize(
    "text", [LITERAL.replace("(nor", "(\n  nor"), f"\n {LITERAL}\n", LITERAL + "  # mine"]
)
def test_white_space_and_comments_in_literals(text):
    assert parse(text)[0] == parse(LITERAL)[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("normal_concat=[2, 3, 4, 5], ", "", "normal_concat: missing from the genotype literal"),
        (", reduce_concat=[2, 3, 4, 5]", "", "reduce_concat: missing from the genotype literal"),
        ("(normal=", "(extra=1, normal=", "extra: unknown in the genotype literal"),
        ("(normal=", "(reduce_concat=1, normal=", "'reduce_concat' is given twice"),
        (
            "reduce_concat=[2, 3, 4, 5]",
            "reduce_concat=[3, 4, 5]",
            "reduce_concat: differs from normal_concat, which nastk's cells do not allow",
        ),
        ("[2, 3, 4, 5]", "range(2, 7)", "concat: expected [2, 3, 4, 5], found [2, 3, 4, 5, 6]"),
        ("[2, 3, 4, 5]", "range(10**99)", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", f"range({10**99})", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range(999999999)", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range()", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range(2, stop=6)", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range(2, 6, 0)", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range(*[2, 6])", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "range(2.0, 6)", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "list(range(2, 6))", "normal_concat: not a literal"),
        ("[2, 3, 4, 5]", "{2, 3, 4, 5}", "concat: expected [2, 3, 4, 5], found {2, 3, 4, 5}"),
        ("[2, 3, 4, 5]", "{[]: 1}", "normal_concat: not a literal"),
        ("('sep_conv_3x3', 0)", "('none', 0)", "normal[0]: 'none' cannot be part of a found cell"),
        (
            "('sep_conv_3x3', 0)",
            "('sep_conv_3x3', 2)",
            "normal[0]: the input of node 2 must be 0 to 1, found 2",
        ),
        ("('sep_conv_3x3', 0)", "('sep_conv_3x3', 0", "not a genotype literal: "),
        ("Genotype(", "Genotype(1, ", "not a genotype literal: expected Genotype(normal="),
        ("Genotype(", "Genotype(*a, ", "not a genotype literal: expected Genotype(normal="),
        ("Genotype(", "Genotype(**a, ", "not a genotype literal: expected Genotype(normal="),
        ("Genotype(", "Genotypes(", "not a genotype literal: expected Genotype(normal="),
        ("Genotype(", "Genotype.make(", "not a genotype literal: expected Genotype(normal="),
        ("Genotype(", "Genotype()(", "not a genotype literal: expected Genotype(normal="),
        (LITERAL, "Genotype", "not a genotype literal: expected Genotype(normal="),
        (LITERAL, "Genotype\0", "not a genotype literal: "),
        (LITERAL, "Genotype\ud800", "not a genotype literal: "),
        (LITERAL, "Genotype = 1", "not a genotype literal: "),
        (LITERAL, f"Genotype({'x' * 9999}=1)", "normal: missing from the genotype literal"),
        (LITERAL, "Genotype(" + "9" * 9999, "not a genotype literal: "),
        (LITERAL, "Genotype(" * 90_000, "not a genotype literal: 810,000 characters (at most 20,000)"),
    ],
)
def test_malformed_literals(old, new, message):
    assert old in LITERAL
    assert error_of(LITERAL.replace(old, new)).startswith(message)


@pytest.mark.parametrize("shape", ["Genotype(normal={}1{})", "Genotype(normal=1, {}1{})"])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("(", ")"), ("[", "]"), ("-", ""), ("1+", ""), ("{1:", "}"), ("a.", ""), ("a(", ")")],
)
def test_deeply_nested_literals(shape, opening, closing):
    for depth in (50, 150, 300, 3_000, 9_000):
        error_of(shape.format(opening * depth, closing * depth))


@pytest.mark.parametrize("field", ["normal", "normal_concat", "reduce", "reduce_concat"])
@pytest.mark.parametrize(
    "code",
    [
        "__import__('os').mkdir('PLACE')",
        "[c for c in [open('PLACE', 'w')]]",
        "(lambda: open('PLACE', 'w'))()",
        "f\"{open('PLACE', 'w')}\"",
        "range(open('PLACE', 'w'))",
        "range(2, __import__('os').mkdir('PLACE'))",
    ],
)
def test_code_in_a_literal_is_refused_and_never_run(field, code, tmp_path):
    place = tmp_path / "place"
    values = {"normal": "1", "normal_concat": "2", "reduce": "3", "reduce_concat": "4"}
    values[field] = code.replace("PLACE", str(place))
    text = f"Genotype({', '.join(f'{name}={value}' for name, value in values.items())})"
    assert error_of(text) == f"{field}: not a literal"
    assert not place.exists()


def test_a_string_of_nasbench201():
    body = "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    assert parse(f" {body}\n") == (Genotype("nasbench201", body), {})
    assert error_of("|").startswith("arch: expected 3 nodes with + between, found 1: '|'")
    assert error_of("|" + "+" * 900_000).startswith("arch: expected 3 nodes")
    assert error_of(body * 2).startswith("arch: expected 3 nodes")


@pytest.mark.parametrize(
    ("space", "body"),
    [
        ("transnas-micro", "64-41414-1_23_333"),
        ("transnas-macro", "64-1234-basic"),
        ("transnas-macro", "64-41414-basic"),
    ],
)
def test_strings_of_transnas(space, body):
    assert parse(f"{body}\n") == (Genotype(space, body), {})
    assert error_of(f"{body}1").startswith("arch: expected 64-")


@given(st.text() | st.text().map("Genotype".__add__) | st.text("|+~0123noe ").map("|".__add__))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        parse(text)


@given(JSON_VALUES | st.dictionaries(JSON_KEYS, JSON_VALUES).map(lambda change: VALID | change))
def test_any_json_is_read_or_refused(value):
    with contextlib.suppress(ValueError):
        genotype, _ = parse(json.dumps(value))
        assert parse(to_json(genotype))[0] == genotype


@settings(max_examples=300)
@given(st.sampled_from([json.dumps(VALID), LITERAL]), st.data())
def test_mutations_are_read_or_refused(text, data):
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gap = data.draw(st.integers(0, 5))
        text = text[:at] + data.draw(st.text("[]{}()\"',:\\0159.-e\ud800 N", max_size=3)) + text[at + gap :]
    with contextlib.suppress(ValueError):
        genotype, _ = parse(text)
        assert parse(to_json(genotype))[0] == genotype
