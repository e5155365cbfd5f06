"""DARTS's and P-DARTS's rules, by hand and as properties over random strengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk.spaces.cell import DARTS
from nastk.spaces.cell_derivation import derive_darts, derive_pdarts, limit_skips
from nastk.spaces.mask import Mask

NONE, MAX, AVG, SKIP, SEP3 = range(5)


def table(**rows):
    """Strengths in which everything is 0 but the given {edge: {operation: value}} of the normal cell."""
    strengths = [[0.0] * 8 for _ in range(28)]
    for edge, values in rows.items():
        for operation, value in values.items():
            strengths[int(edge[1:])][operation] = value
    return strengths


def test_darts_keeps_the_two_strongest_inputs_and_never_none():
    strengths = table(e2={NONE: 0.9, SKIP: 0.3}, e3={MAX: 0.5}, e4={SEP3: 0.4, AVG: 0.1})
    cell = derive_darts(DARTS, DARTS.full_mask(), strengths).body.normal
    assert cell[2:4] == (("max_pool_3x3", 1), ("sep_conv_3x3", 2))  # strongest first


def test_ties_go_to_the_lower_input_in_darts_and_to_the_higher_in_pdarts():
    strengths = table(**{f"e{edge}": {SEP3: 0.5} for edge in range(14)})
    assert [source for _, source in derive_darts(DARTS, DARTS.full_mask(), strengths).body.normal] == [
        0,
        1,
    ] * 4
    found = [source for _, source in derive_pdarts(DARTS, DARTS.full_mask(), strengths).body.normal]
    assert found == [0, 1, 1, 2, 2, 3, 3, 4]


def test_ties_of_operations_go_to_the_lower_one():
    cell = derive_pdarts(DARTS, DARTS.full_mask(), table(e0={AVG: 0.2, SEP3: 0.2})).body.normal
    assert cell[0] == ("avg_pool_3x3", 0)


def test_refinement_takes_the_weakest_present_skip_away_and_derives_again():
    # Node 2 has inputs 0, 1 (edges 0, 1); its skip on edge 1 is the weakest of the cell and becomes sep3.
    strengths = table(
        e0={SKIP: 0.9}, e1={SKIP: 0.6, SEP3: 0.5}, e2={SKIP: 0.8}, e3={SEP3: 0.7}, e4={SKIP: 0.1}
    )
    for edge in range(5, 14):
        strengths[edge][SEP3] = 0.01
    levels = limit_skips(DARTS, Mask((tuple(range(3, 8)),) * 28), strengths)
    found = DARTS.num_skips(derive_pdarts(DARTS, Mask((tuple(range(3, 8)),) * 28), strengths))
    assert max(levels) == found
    assert levels[found].body.normal[:4] == (
        ("skip_connect", 0), ("skip_connect", 1), ("skip_connect", 0), ("sep_conv_3x3", 1)
    )  # fmt: skip
    refined = levels[2].body.normal
    assert refined[:2] == (("skip_connect", 0), ("sep_conv_3x3", 1))
    assert refined[2:4] == (("skip_connect", 0), ("sep_conv_3x3", 1))


def test_refinement_can_change_the_topology():
    strengths = table(e2={SKIP: 0.5}, e3={SEP3: 0.4}, e4={SEP3: 0.3}, e0={SEP3: 0.9}, e1={SEP3: 0.9})
    for edge in range(5, 14):
        strengths[edge][SEP3] = 0.9
    levels = limit_skips(DARTS, DARTS.full_mask(), strengths)
    assert [source for _, source in levels[1].body.normal[2:4]] == [0, 1]
    assert [source for _, source in levels[0].body.normal[2:4]] == [1, 2]


rows = st.lists(st.floats(0.001, 1.0), min_size=8, max_size=8)
cells = st.lists(rows, min_size=14, max_size=14)
# Three operations an edge, often the skip among them and strong, as after P-DARTS's stages.
masks = st.lists(
    st.sets(st.integers(1, 7), min_size=3, max_size=3).map(sorted).map(tuple), min_size=14, max_size=14
)


@settings(max_examples=60)
@given(cells, masks, st.floats(1.0, 5.0))
def test_refinement_properties(cell, allowed, bias):
    for row in cell:
        row[SKIP] *= bias
    mask, strengths = Mask(tuple(allowed) * 2), cell * 2
    levels = limit_skips(DARTS, mask, strengths)
    unrefined = derive_pdarts(DARTS, mask, strengths)
    assert levels[DARTS.num_skips(unrefined)] == unrefined  # at most M skips already: the identity
    assert sorted(levels) == list(range(DARTS.num_skips(unrefined) + 1))
    for level, genotype in levels.items():
        assert len(genotype.body.normal) == 8
        assert DARTS.num_skips(genotype) <= level
        assert genotype.body.reduce == unrefined.body.reduce
        for position, (operation, source) in enumerate(genotype.body.normal):
            edge = DARTS.edge_index[2 + position // 2, source]
            assert DARTS.operations.index(operation) in mask.allowed[edge]


FIRST_EDGE = (0, 2, 5, 9)  # of each node, whose inputs follow in order


def cell_by_hand(rows):
    """The public code's cell of {operation: strength} an edge; ties: the lower operation, the higher input."""
    best = [max(row, key=lambda op: (op != NONE, row[op], -op)) for row in rows]
    cell = []
    for node, first in enumerate(FIRST_EDGE):
        edges = sorted(range(first, first + node + 2), key=lambda edge: rows[edge][best[edge]])[-2:]
        cell += [(DARTS.operations[best[edge]], edge - first) for edge in sorted(edges)]
    return tuple(cell)


def levels_by_hand(rows):
    """Level -> cell: of the skips in the cell as it is now the weakest is set to 0, ties: the lowest edge."""
    cell = cell_by_hand(rows)
    levels, removed = {}, []
    for level in range(sum(operation == "skip_connect" for operation, _ in cell), -1, -1):
        while True:
            present = [
                FIRST_EDGE[position // 2] + source
                for position, (operation, source) in enumerate(cell)
                if operation == "skip_connect"
            ]
            if len(present) <= level:
                break
            weakest = min(present, key=lambda edge: rows[edge][SKIP])  # the first of a tie
            rows[weakest][SKIP] = 0.0
            removed.append(weakest)
            cell = cell_by_hand(rows)
        assert not any(
            (operation, FIRST_EDGE[position // 2] + source) == ("skip_connect", edge)
            for edge in removed
            for position, (operation, source) in enumerate(cell)
        )
        levels[level] = cell
    return levels


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_refinement_is_the_public_code_s(seed, ties):
    """Against the rule written anew from its description, in states that P-DARTS ends in, ties included."""
    random = np.random.default_rng(seed)
    others = [NONE, MAX, AVG, SEP3, 5, 6, 7]
    allowed = [sorted([SKIP, *random.choice(others, 2, replace=False).tolist()]) for _ in range(14)]
    logits = random.normal(size=(14, 8))
    logits[:, SKIP] += 1
    values = np.exp(np.round(logits) if ties else logits)
    strengths = [[0.0] * 8 for _ in range(14)]
    for edge, row in enumerate(allowed):
        for operation in row:
            strengths[edge][operation] = float(values[edge, operation] / values[edge, row].sum())
    mask = Mask(tuple(map(tuple, allowed)) * 2)
    found = limit_skips(DARTS, mask, strengths * 2)
    rows = [{op: strengths[edge][op] for op in row} for edge, row in enumerate(allowed)]
    assert {level: genotype.body.normal for level, genotype in found.items()} == levels_by_hand(rows)


def test_where_every_candidate_is_a_skip_the_refinement_ends_with_skips():
    mask = Mask(((SKIP,),) * 28)
    levels = limit_skips(DARTS, mask, table(**{f"e{edge}": {SKIP: 0.1 * edge + 0.1} for edge in range(14)}))
    assert all(DARTS.num_skips(genotype) == 8 for genotype in levels.values())


@pytest.mark.parametrize("rule", [derive_darts, derive_pdarts])
def test_a_node_without_enough_inputs_is_refused(rule):
    mask = DARTS.full_mask().restrict(0, [NONE])
    with pytest.raises(ValueError, match="node 2 of the normal cell has 1 usable inputs, not 2"):
        rule(DARTS, mask, table())


@pytest.mark.parametrize("derive", [derive_darts, derive_pdarts])
def test_an_edge_with_fewer_operations_is_not_preferred_for_that(derive):
    """U13: with equal architecture parameters a split edge is kept no sooner than a whole one."""
    full = DARTS.full_mask()
    for edge in range(14):
        mask = full.restrict(edge, (SKIP, SEP3))
        strengths = [[1 / len(row) if op in row else 0.0 for op in range(8)] for row in mask.allowed]
        whole = [[1 / 8] * 8] * 28
        found, expected = (
            {source for _, source in derive(DARTS, a, b).body.normal[2 * node : 2 * node + 2]}
            for node in [DARTS.edges[edge][0] - 2]
            for a, b in [(mask, strengths), (full, whole)]
        )
        assert found == expected
