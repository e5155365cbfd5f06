"""The cell spaces: edges, masks, the continuous encoding (facts A1, A2, A3, A8 of RelativeNAS)."""

import itertools
import json
import subprocess
import sys

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nastk.archs import load_arch
from nastk.genotype import parse, to_json
from nastk.spaces.cell import DARTS, RELATIVENAS, CellSpace
from nastk.spaces.mask import Mask

SPACES = {"darts": DARTS, "relativenas": RELATIVENAS}
PARAMETRIC = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("dil_conv_3x3", "dil_conv_5x5"),
)
UPPER = (2, 7, 2, 7, 3, 7, 3, 7, 4, 7, 4, 7, 5, 7, 5, 7)
CODEC = RELATIVENAS.codec(RELATIVENAS.full_mask())
PUBLISHED_VECTOR = """
    0.5 3.5 1.5 6.5 | 1.5 3.5 1.5 3.5 | 1.5 3.5 1.5 4.5 | 0.5 2.5 0.5 3.5
    1.5 1.5 1.5 0.5 | 1.5 6.5 1.5 0.5 | 3.5 1.5 1.5 2.5 | 3.5 6.5 1.5 3.5"""
SHORT = dict(zip(("max", "avg", "skip", "sep3", "sep5", "dil3", "dil5"), PARAMETRIC, strict=True))
# Other work on the machine is no fault of the code.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cell(text):
    """((operation, input), ...) of "sep3 0, dil5 1 | ..."."""
    words = [word.split() for word in text.replace("|", ",").split(",")]
    return tuple((SHORT[operation], int(source)) for operation, source in words)


@st.composite
def masks(draw, space, operations=None):
    """Random sub-spaces in which every node keeps enough inputs; many rows hold one operation only."""
    none = space.operations.index("none") if "none" in space.operations else -1
    rows = []
    for _ in space.cell_types:
        edges = []
        for _ in space.edges:
            row = draw(st.sets(st.integers(0, len(space.operations) - 1), min_size=1, max_size=3))
            edges.append(tuple(sorted(row)))
        for node in space.concat:  # the first two inputs of a node stay usable
            for source in (0, 1):
                edge = space.edge_index[node, source]
                if edges[edge] == (none,):
                    edges[edge] = (none, 1 + none)
        rows.append(tuple(edges))
    return Mask(tuple(rows))


@st.composite
def vectors(draw, upper):
    """Points of the box, often on the boundaries between two choices."""
    return [
        draw(
            st.floats(0, bound)
            | st.integers(0, bound)
            | st.integers(0, 12).map(lambda n, b=bound: b * n / 12)
        )
        for bound in upper
    ]


@st.composite
def sub_spaces(draw):
    """(space, mask, vector): a space, a sub-space of it and a point of its box."""
    space = SPACES[draw(st.sampled_from(sorted(SPACES)))]
    mask = draw(st.just(space.full_mask()) | masks(space))
    return space, mask, draw(vectors(space.codec(mask).upper))


def test_the_operations_stand_in_the_published_order():
    assert RELATIVENAS.operations == PARAMETRIC
    assert ("none", *PARAMETRIC) == DARTS.operations


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_edges(space):
    assert len(space.edges) == 14
    assert [space.edge_index[node, 0] for node in (2, 3, 4, 5)] == [0, 2, 5, 9]
    assert all(
        space.edge_index[node, source] == (0, 2, 5, 9)[node - 2] + source for node, source in space.edges
    )
    assert space.concat == (2, 3, 4, 5)


def test_slots_of_the_published_cell():
    """Slot = edge x 7 + operation; the duplicate edge of the normal cell is one slot."""
    paths = RELATIVENAS.paths(load_arch("relativenas-cifar10").genotype)
    normal, reduce = ([edge * 7 + operation for edge, operation in path] for path in paths)
    assert sorted(normal) == [3, 13, 24, 24, 45, 46, 65, 66]
    assert sorted(reduce) == [7, 8, 21, 27, 44, 57, 73, 90]


def test_a1_the_box():
    assert CODEC.upper == UPPER + UPPER
    assert DARTS.codec(DARTS.full_mask()).upper == UPPER + UPPER  # none is no choice of a genotype
    assert DARTS.codec(DARTS.mask_of(["skip_connect"])).upper == UPPER + UPPER


@pytest.mark.parametrize(
    ("value", "operation"),
    [
        (0, 0),
        (5e-324, 0),
        (0.5, 0),
        (1.0, 0),
        (1.0000001, 1),
        (1.0001, 1),
        (2.0, 1),
        (2.0000001, 2),
        (3.0, 2),
        (4.0, 3),
        (5.0, 4),
        (6.0, 5),
        (6.0000001, 6),
        (6.9999, 6),
        (7.0, 6),
    ],
)
def test_a2_an_exact_integer_belongs_to_the_choice_below(value, operation):
    genotype = CODEC.decode([0, value] * 16)
    assert {name for name, _ in genotype.body.normal + genotype.body.reduce} == {PARAMETRIC[operation]}


@pytest.mark.parametrize("node", [2, 3, 4, 5])
def test_a2_inputs_are_truncated_alike(node):
    at = 2 * (node - 2)
    for position, half in itertools.product((at, at + 1), range(2 * node + 1)):
        vector = [0.0] * 32
        vector[2 * position] = half / 2
        assert CODEC.decode(vector).body.normal[position][1] == max(0, -(-half // 2) - 1)


def test_a2_the_corners_of_the_box():
    body = CODEC.decode(CODEC.upper).body
    assert (
        body.normal == body.reduce == tuple(("dil_conv_5x5", source) for source in (1, 1, 2, 2, 3, 3, 4, 4))
    )
    body = CODEC.decode([0] * 32).body
    assert body.normal == body.reduce == (("max_pool_3x3", 0),) * 8


def test_a3_the_published_cell():
    vector = [float(word) for word in PUBLISHED_VECTOR.replace("|", " ").split()]
    genotype = load_arch("relativenas-cifar10").genotype
    assert CODEC.decode(vector) == genotype
    assert CODEC.encode(genotype) == vector


def test_a8_the_order_of_the_dimensions():
    population = numpy.random.RandomState(7).rand(20, 32) * numpy.array(CODEC.upper)
    body = CODEC.decode(population[0].tolist()).body
    assert body.normal == cell("dil3 0, dil3 0 | sep3 2, max 1 | sep3 1, dil3 2 | max 1, dil5 1")
    assert body.reduce == cell("sep3 0, max 1 | dil5 1, sep3 0 | max 3, dil3 2 | sep3 3, sep3 1")


@unhurried
@given(sub_spaces())
def test_whatever_is_decoded_is_valid_and_obeys_the_mask(case):
    space, mask, vector = case
    genotype = space.codec(mask).decode(vector)
    assert parse(to_json(genotype))[0] == genotype
    for cell_type, path in enumerate(space.paths(genotype)):
        assert all(operation in mask.allowed[cell_type][edge] for edge, operation in path)
        if space.distinct_inputs:
            assert all(path[at][0] != path[at + 1][0] for at in range(0, 8, 2))


@unhurried
@given(sub_spaces())
def test_encode_gives_a_vector_of_the_box_that_decodes_to_the_genotype(case):
    space, mask, vector = case
    codec = space.codec(mask)
    genotype = codec.decode(vector)
    encoded = codec.encode(genotype)
    assert all(0 < value < bound for value, bound in zip(encoded, codec.upper, strict=True))
    assert codec.decode(encoded) == genotype


def test_every_choice_that_a_mask_allows_has_its_share_of_the_interval():
    codec = RELATIVENAS.codec(RELATIVENAS.mask_of(["skip_connect", "sep_conv_3x3", "dil_conv_3x3"]))
    found = [codec.decode([0.5, value] * 16).body.normal[0][0] for value in (0, 2.3, 2.4, 4.6, 4.7, 7)]
    assert found == [SHORT[name] for name in ("skip", "skip", "sep3", "sep3", "dil3", "dil3")]


def test_the_second_input_of_a_darts_node_is_chosen_among_those_that_are_left():
    codec = DARTS.codec(DARTS.full_mask())
    for first, second in itertools.product((0.5, 1.5, 2.5, 3.5, 4.5), (0.0, 1.25, 1.26, 2.5, 3.75, 5.0)):
        vector = [0.0] * 24 + [0, 0, 0, 0] + [first, 0, second, 0]
        (_, one), (_, other) = codec.decode(vector).body.reduce[-2:]
        left = [source for source in range(5) if source != int(first)]
        assert one == int(first)
        assert other == left[max(0, -(-second // 1.25).__int__() - 1)]


def test_encode_refuses_what_the_mask_forbids():
    codec = RELATIVENAS.codec(RELATIVENAS.mask_of(["skip_connect"]))
    with pytest.raises(ValueError, match=r"^the genotype is outside the sub-space at edge 0 of cell type 0$"):
        codec.encode(load_arch("relativenas-cifar10").genotype)


def test_a_genotype_of_a_space_without_distinct_inputs_is_outside_one_with():
    body = load_arch("relativenas-cifar10").genotype.body
    with pytest.raises(ValueError, match="outside the sub-space at edge 3 of cell type 0"):
        DARTS.codec(DARTS.full_mask()).encode(DARTS.genotype([body.normal, body.reduce]))


@unhurried
@given(st.sampled_from(sorted(SPACES)).flatmap(lambda name: masks(SPACES[name])))
def test_mask_json_round_trip(mask):
    assert Mask.from_json(json.loads(json.dumps(mask.to_json()))) == mask
    assert hash(Mask.from_json(mask.to_json())) == hash(mask)


def test_full_mask():
    assert DARTS.full_mask().allowed == ((tuple(range(8)),) * 14,) * 2
    assert RELATIVENAS.full_mask().allowed == ((tuple(range(7)),) * 14,) * 2
    assert DARTS.mask_of(None) == DARTS.full_mask()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[[0], []]], "mask: no operation is left on edge 1 of cell type 0"),
        ([[[0]], [[]]], "mask: no operation is left on edge 0 of cell type 1"),
        ([[[1, 0]]], "mask: operations (1, 0) of edge 0 must ascend from 0 up"),
        ([[[1, 1]]], "mask: operations (1, 1) of edge 0 must ascend from 0 up"),
        ([[[-1, 0]]], "mask: operations (-1, 0) of edge 0 must ascend from 0 up"),
    ],
)
def test_masks_that_are_none(rows, message):
    with pytest.raises(ValueError) as caught:
        Mask.from_json(rows)
    assert str(caught.value) == message


def test_restrict_changes_one_edge_of_one_cell_type():
    full = DARTS.full_mask()
    mask = full.restrict(1, 3, [5, 2, 5])
    assert mask.allowed[1][3] == (2, 5)
    assert mask.allowed[0] == full.allowed[0]
    assert [edge for edge in range(14) if mask.allowed[1][edge] != full.allowed[1][edge]] == [3]
    assert full == DARTS.full_mask()


def test_what_is_gone_never_comes_back():
    mask = DARTS.full_mask().restrict(0, 0, [1, 2])
    assert mask.restrict(0, 0, [2]).allowed[0][0] == (2,)
    with pytest.raises(
        ValueError, match=r"^mask: operation 3 is not allowed on edge 0: it cannot come back$"
    ):
        mask.restrict(0, 0, [2, 3])
    with pytest.raises(ValueError, match=r"^mask: no operation is left on edge 0 of cell type 0$"):
        mask.restrict(0, 0, [])


def test_mask_of_names_in_any_order_and_often():
    mask = RELATIVENAS.mask_of(["dil_conv_3x3", "skip_connect", "skip_connect"])
    assert mask.allowed == (((2, 5),) * 14,) * 2
    assert DARTS.mask_of(["none", "skip_connect"]).allowed == (((0, 3),) * 14,) * 2


@pytest.mark.parametrize(
    ("space", "names", "message"),
    [
        (DARTS, [], "space.operations: name at least one operation"),
        (DARTS, ["none"], "space.operations: node 2 of the normal cell has 0 usable inputs, not 2"),
        (
            RELATIVENAS,
            ["none"],
            "space.operations: unknown operation 'none' in space 'relativenas' "
            f"(it has {', '.join(PARAMETRIC)})",
        ),
        (
            DARTS,
            ["skip_connect", "sep3"],
            f"space.operations: unknown operation 'sep3' in space 'darts' (it has none, {', '.join(PARAMETRIC)})",
        ),
    ],
)
def test_mask_of_wrong_names(space, names, message):
    with pytest.raises(ValueError) as caught:
        space.mask_of(names)
    assert str(caught.value) == message


def test_a_mask_must_leave_every_node_its_inputs():
    """In DARTS's space a node needs two inputs with an operation other than none."""
    mask = DARTS.full_mask()
    for edge in (9, 10, 11):
        mask = mask.restrict(1, edge, [0])
    assert DARTS.codec(mask).decode([0] * 32).body.reduce[-2:] == (("max_pool_3x3", 3), ("max_pool_3x3", 4))
    with pytest.raises(ValueError) as caught:
        DARTS.codec(mask.restrict(1, 12, [0]))
    assert str(caught.value) == "mask: node 5 of the reduce cell has 1 usable inputs, not 2"


def test_spaces_of_other_sizes():
    small = CellSpace(
        "small", ("none", "a", "b"), distinct_inputs=True, affine=False, pool_norm=False, num_nodes=2
    )
    assert small.edges == ((2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
    codec = small.codec(small.full_mask())
    assert codec.upper == (2, 2, 2, 2, 3, 2, 3, 2) * 2
    assert codec.decode(codec.upper).body.normal == (("b", 1), ("b", 0), ("b", 2), ("b", 1))


def test_spaces_and_genotypes_need_no_torch():
    code = (
        "import sys, nastk.spaces.cell, nastk.spaces.codec, nastk.spaces.mask, nastk.genotype, nastk.archs\n"
        "nastk.archs.load_arch('darts-v1')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
