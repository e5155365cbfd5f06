"""NAS-Bench-201's space: the benchmark's strings, masks, the encoding; the whole table if it is at hand."""

import itertools
import json

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastk.genotype import Genotype, parse
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201 as SPACE

NONE, SKIP, CONV1, CONV3, POOL = range(5)
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
MIXED = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
CODEC = SPACE.codec(SPACE.full_mask())
FORM = r"the form |op~0|op~1|"

# Many rows hold one operation only; that can be `none`.
masks = st.lists(
    st.sets(st.integers(0, 4), min_size=1, max_size=3).map(lambda row: tuple(sorted(row))),
    min_size=6,
    max_size=6,
).map(lambda rows: Mask(tuple(rows)))


def cells():
    return (SPACE.genotype(cell) for cell in itertools.product(range(5), repeat=6))


def error_of(call):
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


def test_operations_and_edges_stand_in_the_benchmarks_order():
    assert SPACE.operations == ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    assert SPACE.edges == ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
    assert SPACE.cell_types == ("cell",)
    assert SPACE.full_mask().allowed == ((0, 1, 2, 3, 4),) * 6


def test_a_genotype_is_the_benchmarks_string():
    genotype = SPACE.genotype((CONV3, NONE, SKIP, CONV1, NONE, POOL))
    assert genotype == Genotype("nasbench201", MIXED)
    assert SPACE.path(genotype) == ((0, 3), (1, 0), (2, 1), (3, 2), (4, 0), (5, 4))
    assert SPACE.num_skips(genotype) == 1
    assert SPACE.num_skips(Genotype("nasbench201", FIRST)) == 3


def test_every_cell_has_a_string_of_its_own_that_reads_back():
    found = set()
    for cell in itertools.product(range(5), repeat=6):
        genotype = SPACE.genotype(cell)
        assert SPACE.path(genotype) == tuple(enumerate(cell))
        found.add(genotype.body)
    assert len(found) == 15_625


def test_341_cells_are_not_connected():
    assert sum(not SPACE.is_connected(genotype) for genotype in cells()) == 341


@pytest.mark.parametrize(
    ("cell", "connected"),
    [
        ((NONE, NONE, NONE, SKIP, NONE, NONE), True),
        ((POOL, NONE, NONE, NONE, POOL, NONE), True),
        ((SKIP, NONE, CONV1, NONE, NONE, CONV3), True),
        ((NONE, CONV1, NONE, NONE, NONE, CONV1), True),
        (
            (NONE, CONV1, CONV1, NONE, CONV1, NONE),
            False,
        ),  # only node 1 leads to the output, and nothing to it
        ((CONV1, NONE, NONE, NONE, NONE, CONV1), False),
        ((CONV1, CONV1, CONV1, NONE, NONE, NONE), False),
    ],
)
def test_connected(cell, connected):
    assert SPACE.is_connected(SPACE.genotype(cell)) == connected


def test_the_box():
    assert CODEC.upper == (5,) * 6
    assert SPACE.codec(SPACE.mask_of(["skip_connect"])).upper == (5,) * 6
    assert CODEC.decode([0.0, 0.5, 1.0, 1.5, 4.5, 5.0]) == SPACE.genotype((0, 0, 0, 1, 4, 4))
    assert CODEC.encode(Genotype("nasbench201", MIXED)) == [3.5, 0.5, 1.5, 2.5, 0.5, 4.5]


def test_a_mask_shares_the_interval_out_among_what_it_allows():
    codec = SPACE.codec(SPACE.mask_of(["skip_connect", "avg_pool_3x3"]))
    assert codec.decode([0.0, 1.0, 2.5, 2.6, 4.0, 5.0]) == SPACE.genotype((1, 1, 1, 4, 4, 4))


@given(
    masks,
    st.lists(st.lists(st.sampled_from([0.1, 0.2, 0.7]), min_size=5, max_size=5), min_size=6, max_size=6),
)
def test_derivation_takes_the_strongest_allowed_operation_and_of_a_tie_the_lowest(mask, strengths):
    path = SPACE.path(SPACE.derive(mask, strengths))
    for (_, operation), row, values in zip(path, mask.allowed, strengths, strict=True):
        assert operation in row
        strongest = max(values[op] for op in row)
        assert operation == min(op for op in row if values[op] == strongest)


def test_mask_of_names():
    assert SPACE.mask_of(["nor_conv_3x3", "none", "none"]).allowed == ((0, 3),) * 6
    assert SPACE.mask_of(None) == SPACE.full_mask()
    assert error_of(lambda: SPACE.mask_of([])) == "space.operations: name at least one operation"
    message = error_of(lambda: SPACE.mask_of(["none"]))
    assert message == "space.operations: no cell is left whose output depends on its input"
    assert error_of(lambda: SPACE.mask_of(["sep_conv_3x3"])) == (
        "space.operations: unknown operation 'sep_conv_3x3' in space 'nasbench201' "
        "(it has none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3)"
    )


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        (None, "arch: expected the benchmark's string |op~0|+|op~0|op~1|+..., found None"),
        ([MIXED], "arch: expected the benchmark's string |op~0|+|op~0|op~1|+..., found ['|nor_conv_3x3~0"),
        ("", "arch: expected 3 nodes with + between, found 1: ''"),
        (MIXED[:-1], "arch: node 3 must have the form |op~0|op~1|op~2|, found '|nor_conv_1x1~0"),
        (MIXED[1:], "arch: node 1 must have the form |op~0|, found 'nor_conv_3x3~0|'"),
        (MIXED.replace("|none~0", "none~0"), f"arch: node 2 must have {FORM}, found 'none~0|skip_connect~1|'"),
        (MIXED.replace("|none~0", ""), f"arch: node 2 must have {FORM}, found '|skip_connect~1|'"),
        (MIXED.replace("|none~0", "||none~0"), f"arch: node 2 must have {FORM}, found '||none~0|skip_connect~1|'"),
        (MIXED.replace("none~0", "none"), f"arch: node 2 must have {FORM}, found '|none|skip_connect~1|'"),
        (MIXED.replace("none~0", "none~"), f"arch: node 2 must have {FORM}, found '|none~|skip_connect~1|'"),
        (MIXED.replace("none~0", "none~1"), f"arch: node 2 must have {FORM}, found '|none~1|skip_connect~1|'"),
        (MIXED.replace("none~0", "none~00"), f"arch: node 2 must have {FORM}, found '|none~00|skip_connect~1|'"),
        (MIXED.replace("none~0", "none~\u0660"), f"arch: node 2 must have {FORM}, found '|none~"),
        (MIXED.replace("none~0", "none~0~0"), f"arch: node 2 must have {FORM}, found '|none~0~0|skip_connect~1|'"),
        (MIXED.replace("none~0", " none~0"), "arch: node 2: unknown operation ' none' in space 'nasbench201'"),
        (MIXED.replace("none~0", "None~0"), "arch: node 2: unknown operation 'None' in space 'nasbench201'"),
        (MIXED.replace("none~0", "~0"), "arch: node 2: unknown operation '' in space 'nasbench201'"),
        (MIXED + "+", "arch: expected 3 nodes with + between, found 4: '|nor_conv_3x3~0"),
        (MIXED + "\n", "arch: node 3 must have the form |op~0|op~1|op~2|, found '|nor_conv_1x1~0"),
    ],
)  # fmt: skip
def test_a_malformed_string_is_refused(arch, message):
    content = {"format": "nastk-genotype", "version": 1, "space": "nasbench201", "arch": arch}
    found = error_of(lambda: parse(json.dumps(content)))
    assert found.startswith(message)
    assert "\n" not in found and len(found) < 300


@given(st.text() | st.text("|+~01 noe", max_size=40))
def test_any_string_is_read_as_it_stands_or_refused(text):
    try:
        body = SPACE.body_from_json({"arch": text})
    except ValueError as error:
        assert str(error).startswith("arch: ")
    else:
        assert SPACE.genotype([operation for _, operation in SPACE.path(Genotype("", body))]).body == text


def test_the_table(shared_data):
    """All 15,625 rows are the space's own strings, and no two the same."""
    with numpy.load(shared_data / "nasbench201.npz", allow_pickle=False) as table:
        names, edges, strings, rows = (
            table[key].tolist() for key in ("op_names", "edges", "arch_str", "ops")
        )
    assert names == list(SPACE.operations)
    assert [(node, source) for source, node in edges] == list(SPACE.edges)
    assert strings[0] == FIRST
    for body, cell in zip(strings, rows, strict=True):
        assert SPACE.genotype(cell) == Genotype("nasbench201", SPACE.body_from_json({"arch": body}))
    assert set(strings) == {genotype.body for genotype in cells()}
