"""The cells of the DARTS family: their edges, which are the decisions, and which sub-spaces hold cells."""

import itertools

import pytest

from nastk.archs import load_arch
from nastk.spaces.cell import DARTS, RELATIVENAS
from nastk.spaces.decision import Decision

SPACES = {"darts": DARTS, "relativenas": RELATIVENAS}
PARAMETRIC = (
    *("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5"),
    *("dil_conv_3x3", "dil_conv_5x5"),
)


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


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_decision_is_an_edge_of_a_type_of_cell(space):
    assert len(space.decisions) == 28
    for number, (cell_type, edge) in enumerate(itertools.product((0, 1), range(14))):
        node, source = space.edges[edge]
        decision = space.decisions[number]
        assert decision == Decision(("normal", "reduce")[cell_type], f"{source} -> {node}", space.operations)
        assert space.decision(cell_type, node, source) == number


def test_slots_of_the_published_cell():
    """Slot = edge x 7 + operation; the duplicate edge of the normal cell is one slot."""
    path = RELATIVENAS.path(load_arch("relativenas-cifar10").genotype)
    slots = [decision * 7 + operation for decision, operation in path]
    assert sorted(slots[:8]) == [
        3,
        13,
        24,
        24,
        45,
        46,
        65,
        66,
    ]  # of the normal cell, then of the reduction cell
    assert sorted(slot - 14 * 7 for slot in slots[8:]) == [7, 8, 21, 27, 44, 57, 73, 90]


def test_full_mask():
    assert DARTS.full_mask().allowed == (tuple(range(8)),) * 28
    assert RELATIVENAS.full_mask().allowed == (tuple(range(7)),) * 28
    assert DARTS.mask_of(None) == DARTS.full_mask()


def test_mask_of_names_in_any_order_and_often():
    mask = RELATIVENAS.mask_of(["dil_conv_3x3", "skip_connect", "skip_connect"])
    assert mask.allowed == ((2, 5),) * 28
    assert DARTS.mask_of(["none", "skip_connect"]).allowed == ((0, 3),) * 28


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
