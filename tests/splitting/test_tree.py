"""Sub-spaces of a split: how many architectures they hold, together and apart (fact U9)."""

import itertools
import math

from chain import CHAIN

from nastk.spaces.cell import DARTS
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.splitting.tree import Split, SplitTree

OPERATIONS = (0, 1, 2, 3, 4)


def holds(mask, architecture):
    return all(operation in row for operation, row in zip(architecture, mask.allowed, strict=True))


def test_two_levels_of_2_and_3_partition_nasbench201():
    tree = SplitTree(NASBENCH201.full_mask())
    tree.split(0, Split(2, OPERATIONS, ((2, 3), (0, 1, 4))))
    tree.split(1, Split(0, OPERATIONS, ((0, 1), (2, 3, 4))))
    tree.split(2, Split(5, OPERATIONS, ((1, 4), (0, 2, 3))))
    leaves = tree.leaves()
    sizes = [math.prod(len(row) for row in leaf.mask.allowed) for leaf in leaves]
    assert sorted(sizes) == [2500, 3750, 3750, 5625]
    counts = [0] * len(leaves)
    for architecture in itertools.product(OPERATIONS, repeat=6):
        inside = [holds(leaf.mask, architecture) for leaf in leaves]
        assert sum(inside) == 1
        counts[inside.index(True)] += 1
    assert counts == sizes


def test_an_exhaustive_split_has_a_leaf_an_operation():
    tree = SplitTree(NASBENCH201.full_mask())
    tree.split(0, Split(0, OPERATIONS, tuple((op,) for op in OPERATIONS)))
    assert [math.prod(len(row) for row in leaf.mask.allowed) for leaf in tree.leaves()] == [3125] * 5


def test_seven_operations_make_1_037_664_180_cells():
    """Two of n inputs to each of four nodes, an operation of seven on each."""
    assert math.prod(math.comb(n, 2) * 7**2 for n in (2, 3, 4, 5)) == 1_037_664_180


def test_scored_edges_are_read_back():
    tree = SplitTree(NASBENCH201.full_mask())
    scored = [Split(edge, OPERATIONS, ((0, 1), (2, 3, 4)), [[0.0] * 5] * 5, float(edge)) for edge in range(6)]
    tree.split(0, scored[5], scored)
    again = SplitTree.from_json(tree.to_json())
    assert again.nodes == tree.nodes and again.nodes[0].scored == scored


def test_a_split_is_told_in_its_own_decision_s_words():
    tree = SplitTree(CHAIN.full_mask())
    scored = [Split(0, (0, 1), ((0,), (1,))), Split(1, (0, 1, 2, 3), ((0, 3), (1, 2)))]
    tree.split(0, scored[1], scored)
    tree.split(1, Split(2, (0, 1, 2), ((0, 1), (2,))))
    first, second, *_ = tree.to_json(CHAIN.decisions)
    assert first["split"]["where"] == "layer 1"
    assert first["split"]["names"] == [["skip", "conv7"], ["conv3", "conv5"]]
    assert [split["where"] for split in first["scored"]] == ["layer 0", "layer 1"]
    assert first["scored"][0]["names"] == [["conv3"], ["conv5"]]
    assert second["mask"] == [[0, 1], [0, 3], [0, 1, 2]]
    assert (second["split"]["where"], second["split"]["names"]) == (
        "head width",
        [["narrow", "middle"], ["wide"]],
    )
    assert "where" not in tree.to_json()[0]["split"]


def test_cells_without_the_split_edge_are_in_every_leaf():
    tree = SplitTree(DARTS.full_mask())
    tree.split(0, Split(13, tuple(range(8)), ((0, 1, 2, 3), (4, 5, 6, 7))))
    for leaf in tree.leaves():
        codec = DARTS.codec(leaf.mask)
        cell = DARTS.codec(DARTS.full_mask()).decode([0.5] * len(codec.upper))  # of low inputs only
        assert codec.decode(codec.encode(cell)) == cell
