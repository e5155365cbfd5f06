"""Other systems' notations: read as they were meant; what nastk cannot take is refused by what it is."""

import json

import pytest
from hypothesis import given, settings
from notation_writers import (
    FOR_ALL,
    FOR_DISTINCT,
    NB301,
    SAMPLE,
    UNORDERED,
    a_list_a_node,
    aw_nas,
    genotype_of,
    literal,
    nasbench301_fields,
    nni_fields,
    nni_mutables_fields,
    nodes_of,
    numbers,
    refusal_of,
    two_cells,
)

from nastk.archs import list_archs, load_arch
from nastk.genotype import parse, to_json

PUBLISHED = [load_arch(name).genotype for name in list_archs()]
few = settings(max_examples=25)


def cells_of(genotype):
    return {"normal": list(genotype.body.normal), "reduce": list(genotype.body.reduce)}


def is_distinct(cells):
    return genotype_of(cells).space == "darts"


def unordered(cells):
    return {cell: [(node, sorted(pairs)) for node, pairs in nodes_of(cells[cell])] for cell in cells}


@pytest.mark.parametrize("genotype", PUBLISHED)
@pytest.mark.parametrize("write", FOR_ALL + FOR_DISTINCT)
def test_published_cells_survive_every_notation(write, genotype):
    cells = cells_of(genotype)
    if write in FOR_ALL or is_distinct(cells):
        assert parse(write(cells)) == (genotype, {})


@pytest.mark.parametrize("write", FOR_ALL)
@few
@given(two_cells())
def test_cells_are_read_with_the_order_of_their_pairs(write, cells):
    genotype, provenance = parse(write(cells))
    assert (genotype, provenance) == (genotype_of(cells), {})
    assert parse(to_json(genotype))[0] == genotype


@pytest.mark.parametrize("write", FOR_DISTINCT)
@few
@given(two_cells(distinct=True))
def test_notations_of_edges_keep_the_order_too(write, cells):
    assert parse(write(cells)) == (genotype_of(cells), {})


@pytest.mark.parametrize("write", UNORDERED)
@few
@given(two_cells(distinct=True))
def test_configurations_know_no_order(write, cells):
    found = parse(write(cells))[0]
    assert found.space == "darts"
    assert unordered(cells_of(found)) == unordered(cells)
    assert parse(write(cells_of(found)))[0] == found


@pytest.mark.parametrize("write", UNORDERED)
def test_a_configuration_cannot_hold_an_input_twice(write):
    cells = cells_of(load_arch("relativenas-cifar10").genotype)
    assert refusal_of(write(cells)) == (
        "normal: node 3 has 1 input, where nastk's nodes have two; one that takes the same input twice cannot be "
        "written so"
    )


def changed(fields, **changes):
    """JSON of fields, of which some have another value, or are left out (None)."""
    merged = fields | {key.replace("__", "/"): value for key, value in changes.items()}
    return json.dumps({key: value for key, value in merged.items() if value is not None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normal__op_2_0": None}, "normal/op_2_0: missing from NNI's architecture"),
        ({"reduce__input_5_1": None}, "reduce/input_5_1: missing from NNI's architecture"),
        ({"normal__op_6_0": "x"}, "normal/op_6_0: a cell with a node 6; nastk's have 2 to 5"),
        ({"reduce__op_2_2": "x"}, "reduce/op_2_2: a node with more than two inputs; nastk's nodes have two"),
        ({"normal__input_3_1": [0, 2]}, "normal/input_3_1: expected one input, found [0, 2]"),
        ({"normal__input_3_1": []}, "normal/input_3_1: expected one input, found []"),
        ({"normal__input_3_1": 3}, "normal[3]: the input of node 3 must be 0 to 2, found 3"),
        ({"normal__input_3_1": [[1]]}, "normal[3]: the input of node 3 must be 0 to 2, found [1]"),
        ({"normal__op_3_1": "none"}, "normal[3]: 'none' cannot be part of a found cell"),
        ({"normal__op_3_1": "conv_7x1_1x7"}, "normal[3]: unknown operation 'conv_7x1_1x7' in space 'darts'"),
    ],
)
def test_faults_in_nni_s_dictionary(change, message):
    assert refusal_of(changed(nni_fields(SAMPLE), **change)).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normal_n3_switch": None}, "normal_n3_switch: missing; without it nothing says which two inputs"),
        ({"normal_n3_switch": [1]}, "normal_n3_switch: expected two of normal_n3_p0, normal_n3_p1, norm"),
        ({"normal_n3_switch": ["normal_n3_p0", "p"]}, "normal_n3_switch: expected two of normal_n3_p0, "),
        ({"normal_n3_switch": [0, 3]}, "normal_n3_switch: expected two of normal_n3_p0, normal_n3_p1, "),
        ({"normal_n3_switch": [0, True]}, "normal_n3_switch: expected two of normal_n3_p0, normal_n3_p1, "),
        ({"normal_n3_switch": "01"}, "normal_n3_switch: expected two of normal_n3_p0, normal_n3_p1, "),
        ({"normal_n3_p1": []}, "normal_n3_p1: expected one of maxpool, avgpool, "),
        ({"normal_n3_p1": "sep_conv_3x3"}, "normal_n3_p1: expected one of maxpool, avgpool, "),
        ({"normal_n3_p1": 8}, "normal_n3_p1: expected one of maxpool, avgpool, "),
        ({"normal_n3_p1": True}, "normal_n3_p1: expected one of maxpool, avgpool, "),
        ({"normal_n3_p1": "none"}, "normal[3]: 'none' cannot be part of a found cell"),
        ({"normal_n6_p1": "maxpool"}, "normal_n6_p1: a cell with a node 6; nastk's have 2 to 5"),
    ],
)
def test_faults_in_nni_s_mutables(change, message):
    assert refusal_of(changed(nni_mutables_fields(SAMPLE), **change)).startswith(message)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("edge_normal_0", None, "normal: node 2 has 1 input, where nastk's nodes have two"),
        ("edge_normal_9", "skip_connect", "normal: node 5 has 3 inputs, where nastk's nodes have two"),
        ("edge_reduce_14", "x", f"{NB301}edge_reduce_14: expected an edge from 0 to 13"),
        ("edge_normal_00", "x", f"{NB301}edge_normal_00: expected an edge from 0 to 13"),
        (
            "inputs_node_normal_3",
            "0_1",
            f"{NB301}inputs_node_normal_3: '0_1', but its node's edges come from 1_2",
        ),
        ("inputs_node_normal_3", 12, f"{NB301}inputs_node_normal_3: 12, but its node's edges come from 1_2"),
        ("edge_normal_0", "none", "normal[0]: 'none' cannot be part of a found cell"),
        ("edge_normal_0", ["skip_connect"], "normal[0]: unknown operation ['skip_connect'] in space 'darts'"),
    ],
)
def test_faults_in_a_configuration(key, value, message):
    assert refusal_of(changed(nasbench301_fields(SAMPLE), **{NB301 + key: value})).startswith(message)


TWO_GROUPS = aw_nas(SAMPLE).replace("reduce_1=", "normal_2=((1, 2, 3),), normal_2_concat=(2,), reduce_1=")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TWO_GROUPS, "normal: 2 groups of such cells, where nastk's networks have one"),
        (aw_nas(SAMPLE).replace("reduce_1", "normal_1"), "normal: 2 groups of such cells"),
        (aw_nas(SAMPLE).replace("reduce_1", "reduce_x"), "'reduce_x': no cell group of aw_nas's"),
        (aw_nas(SAMPLE).replace("normal_0_concat", "normal_5_concat"), "normal_0_concat: missing"),
        (
            aw_nas(SAMPLE).replace("_1_concat=(2, ", "_1_concat=("),
            "reduce_concat: differs from normal_concat",
        ),
        (
            aw_nas(SAMPLE).replace("0, 2)", "0, 6)"),
            "normal[0]: the third of ('max_pool_3x3', 0, 6) is the node",
        ),
        (
            aw_nas(SAMPLE).replace("0, 2)", "0, 4)"),
            "normal: node 2 has 1 input, where nastk's nodes have two",
        ),
        (
            aw_nas(SAMPLE).replace("0, 2)", "0, 0.2)"),
            "normal[0]: a weighted cell: ('max_pool_3x3', 0, 0.2) has",
        ),
        (aw_nas(SAMPLE).replace("sep_conv_3x3", "none"), "normal[1]: 'none' cannot be part of a found cell"),
        (aw_nas(SAMPLE).replace("'sep_conv_3x3', 1", "'sep_conv_3x3', -1"), "normal[1]: the input of node 2"),
    ],
)
def test_faults_in_aw_nas_s_genotypes(text, message):
    assert refusal_of(text).startswith(message)


FIVE = {cell: [*SAMPLE[cell], ("sep_conv_7x7", 0), ("skip_connect", 5)] for cell in SAMPLE}
RECURRENT = "Genotype(recurrent=[('sigmoid', 0), ('relu', 1)], concat=range(1, 9))"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECURRENT, "a recurrent cell, of a network for text: nastk builds image classifiers"),
        (f"R{'NN'}{RECURRENT}", "a recurrent cell, of a network for text: nastk builds image classifiers"),
        (literal(FIVE, "range(2, 7)"), "normal: a cell of 5 nodes, where nastk's have 4"),
        (
            literal({c: list(zip(FIVE[c][::2], FIVE[c][1::2], strict=True)) for c in FIVE}),
            "normal: a cell of 5 nodes",
        ),
        (
            literal({c: [SAMPLE[c][:3], *a[1:]] for c in SAMPLE for a in [[SAMPLE[c][:2]] * 4]}),
            "normal: node 2 has 3 ",
        ),
        (literal(SAMPLE, "[5]"), "concat: expected [2, 3, 4, 5], found [5]"),
        (
            literal(SAMPLE).replace("max_pool_3x3", "zero"),
            "normal[0]: 'zero' cannot be part of a found cell: it is",
        ),
        (
            literal(SAMPLE).replace("max_pool_3x3", "null"),
            "normal[0]: 'null' cannot be part of a found cell: it is",
        ),
        (
            literal(SAMPLE).replace("0)", "0, 0.13)"),
            "normal[0]: a weighted cell: ('max_pool_3x3', 0, 0.13) has the",
        ),
        (
            a_list_a_node(SAMPLE).replace("1)", "1, 0.2)"),
            "normal[1]: a weighted cell: ('sep_conv_3x3', 1, 0.2) has",
        ),
        ("Genotype(cell=[('a', 1)], cell_concat=[1])", "cell: unknown in the genotype literal"),
        ("Genotype(dag=[('a', 1)], ops=None)", "dag: unknown in the genotype literal"),
    ],
)
def test_foreign_cells_are_refused_by_what_they_are(text, message):
    assert refusal_of(text).startswith(message)


@pytest.mark.parametrize("write", FOR_ALL)
@pytest.mark.parametrize(("twice", "space"), [(False, "darts"), (True, "relativenas")])
def test_a_fault_is_told_in_the_terms_of_the_space_that_was_meant(write, twice, space):
    """A DARTS cell with one fault breaks no rule of RelativeNAS's variant, and the other way round."""
    cells = {cell: [*SAMPLE[cell][:-1], ("max_pool_3x3", 2 if twice else 1)] for cell in SAMPLE}
    assert parse(write(cells))[0].space == space
    wrong = {cell: [("max_pool_3x3", 2), *cells[cell][1:]] for cell in cells}
    assert refusal_of(write(wrong)) == "normal[0]: the input of node 2 must be 0 to 1, found 2"
    if "=0" not in write(cells):  # by number there are no other operations
        foreign = {cell: [("noise", 0), *cells[cell][1:]] for cell in cells}
        assert refusal_of(write(foreign)).startswith(
            f"normal[0]: unknown operation 'noise' in space '{space}' ("
        )


def test_operations_by_number_are_asked_about():
    question = (
        "operations by number: is max_pool_3x3 counted as 0 (NASLib, naszilla), or none (BANANAS)? "
        "Write max_pool_3x3=0: or none=0: before them"
    )
    meant = {cell: [(pair[0].replace("max", "avg"), pair[1]) for pair in SAMPLE[cell]] for cell in SAMPLE}
    cells = numbers(meant, "max_pool_3x3")
    assert refusal_of(str(cells)) == question
    assert refusal_of(json.dumps(cells)) == question
    assert parse(f"max_pool_3x3=0: {cells}")[0] == genotype_of(meant)
    otherwise = parse(f" none = 0 : {cells}")[0]
    assert otherwise.body.normal[:3] == (("max_pool_3x3", 0), ("skip_connect", 1), ("avg_pool_3x3", 2))


def test_operations_that_only_one_counting_has_need_no_question():
    cells = {cell: [("dil_conv_5x5", 0), *SAMPLE[cell][1:]] for cell in SAMPLE}
    assert parse(str(numbers(cells, "none")))[0] == genotype_of(cells)


@pytest.mark.parametrize(
    ("prefix", "number", "message"),
    [
        ("none=0: ", 0, "normal[3]: 'none' cannot be part of a found cell"),
        ("none=0: ", 8, "normal[3]: operation 8, where none=0 counts to 7"),
        ("none=0: ", -1, "normal[3]: operation -1, where none=0 counts to 7"),
        ("max_pool_3x3=0: ", 7, "normal[3]: operation 7, where max_pool_3x3=0 counts to 6"),
        ("", 9, "normal[3]: operation 9, where none=0 counts to 7"),
        ("skip_connect=0: ", 1, "skip_connect=0: known countings are max_pool_3x3=0 and none=0"),
    ],
)
def test_faults_in_operations_by_number(prefix, number, message):
    normal, reduce = ([list(pair) for pair in cell] for cell in numbers(SAMPLE, "none"))
    normal[3][1] = number
    assert refusal_of(f"{prefix}{[normal, reduce]}").startswith(message)


def test_what_is_counted_is_said_of_numbers_only():
    assert refusal_of("none=0: {'normal_concat': 1}").startswith("none=0: is said of operations by number")


def test_operations_of_nasbench201_by_number():
    """NASLib's list: skip_connect, none, nor_conv_3x3, nor_conv_1x1, avg_pool_3x3; edges by their source."""
    assert refusal_of("[0, 1, 2, 3, 4, 2]").startswith(
        "operations of NAS-Bench-201 by number: is skip_connect"
    )
    assert parse("skip_connect=0: (0, 1, 2, 3, 4, 2)")[0].body == (
        "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )
    assert parse("none=0: [0, 1, 2, 3, 4, 2]")[0].body == (
        "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    )
    assert refusal_of("none=0: [0, 1, 2, 3, 4, 5]") == "[5]: operation 5, where none=0 counts to 4"
    assert refusal_of("max_pool_3x3=0: [0, 1, 2, 3, 4, 2]").startswith(
        "max_pool_3x3=0: known countings are skip"
    )
