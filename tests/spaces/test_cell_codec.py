"""The continuous encoding of cells (facts A1, A2, A3, A8 of RelativeNAS), without a mask and under any."""

import itertools

import numpy
import pytest

from nastk.archs import load_arch
from nastk.spaces.cell import DARTS, RELATIVENAS, CellSpace

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


def cell(text):
    """((operation, input), ...) of "sep3 0, dil5 1 | ..."."""
    words = [word.split() for word in text.replace("|", ",").split(",")]
    return tuple((SHORT[operation], int(source)) for operation, source in words)


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


def test_a_genotype_of_a_space_without_distinct_inputs_is_outside_one_with():
    body = load_arch("relativenas-cifar10").genotype.body
    with pytest.raises(ValueError, match="outside the sub-space at normal 1 -> 3"):
        DARTS.codec(DARTS.full_mask()).encode(DARTS.genotype([body.normal, body.reduce]))


def test_a_mask_must_leave_every_node_its_inputs():
    """In DARTS's space a node needs two inputs with an operation other than none."""
    mask = DARTS.full_mask()
    for edge in (9, 10, 11):
        mask = mask.restrict(14 + edge, [0])
    assert DARTS.codec(mask).decode([0] * 32).body.reduce[-2:] == (("max_pool_3x3", 3), ("max_pool_3x3", 4))
    with pytest.raises(ValueError) as caught:
        DARTS.codec(mask.restrict(14 + 12, [0]))
    assert str(caught.value) == "mask: node 5 of the reduce cell has 1 usable inputs, not 2"


def test_spaces_of_other_sizes():
    small = CellSpace(
        "small", ("none", "a", "b"), distinct_inputs=True, affine=False, pool_norm=False, num_nodes=2
    )
    assert small.edges == ((2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
    codec = small.codec(small.full_mask())
    assert codec.upper == (2, 2, 2, 2, 3, 2, 3, 2) * 2
    assert codec.decode(codec.upper).body.normal == (("b", 1), ("b", 0), ("b", 2), ("b", 1))
