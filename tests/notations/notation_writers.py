"""Cells in every notation that nastk reads, written as the systems write them; and cells to write."""

import json

import pytest
from hypothesis import strategies as st

from nastk.genotype import parse

OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NNI_NAMES = ("maxpool", "avgpool", "skipconnect", "sepconv3x3", "sepconv5x5", "dilconv3x3", "dilconv5x5")
EDGE_OFFSETS = {2: 0, 3: 2, 4: 5, 5: 9}
NB301 = "NetworkSelectorDatasetInfo:darts:"


@st.composite
def two_cells(draw, distinct=False):
    """{"normal": [(operation, input) x 8], "reduce": ...}; distinct: of DARTS, not of RelativeNAS."""
    cells = {}
    for cell in ("normal", "reduce"):
        cells[cell] = []
        for node in range(2, 6):
            sources = st.lists(st.integers(0, node - 1), min_size=2, max_size=2, unique=distinct)
            cells[cell] += [(draw(st.sampled_from(OPERATIONS[1:])), source) for source in draw(sources)]
    return cells


def genotype_of(cells):
    """The genotype that any notation of these cells should be read as."""
    twice = any(cell[at][1] == cell[at + 1][1] for cell in cells.values() for at in range(0, 8, 2))
    content = {"format": "nastk-genotype", "version": 1, "space": "relativenas" if twice else "darts"}
    return parse(json.dumps(content | cells | {"concat": [2, 3, 4, 5]}))[0]


def refusal_of(text, name=None):
    """The message that a text is refused with, of one printable line."""
    with pytest.raises(ValueError) as caught:
        parse(text, name)
    message = str(caught.value)
    assert message.isprintable() and 0 < len(message) <= 1_500
    return message


def nodes_of(cell):
    """(node, its two pairs) of a cell's pairs in a row."""
    return [(node, cell[2 * node - 4 : 2 * node - 2]) for node in range(2, 6)]


def literal(cells, concat="range(2, 6)"):
    return (
        f"Genotype(normal={cells['normal']}, normal_concat={concat}, "
        f"reduce={cells['reduce']}, reduce_concat={concat})"
    )


def a_list_a_node(cells):
    """pt.darts and AutoDL."""
    return literal({cell: [pairs for _, pairs in nodes_of(cells[cell])] for cell in cells})


def autodl(cells):
    fields = {cell: [tuple(pairs) for _, pairs in nodes_of(cells[cell])] for cell in cells}
    fields |= {f"{cell}_concat": [2, 3, 4, 5] for cell in cells}
    words = (f"{name}={value}" for name, value in fields.items())
    return f"Genotype(\n  {', '.join(words)},  # it's AutoDL's :)\n  connectN=None, connects=None,\n)"


def fields(cells):
    """The four fields as JSON."""
    return json.dumps(cells | {f"{cell}_concat": [2, 3, 4, 5] for cell in cells})


def python_fields(cells):
    return f"CELLS = {cells | {f'{cell}_concat': (2, 3, 4, 5) for cell in cells}}  # of mine"


def aw_nas(cells, comment="# ---- Arch 0 (Reward 0.4) ----\n"):
    triples = {
        cell: tuple((*pair, node) for node, pairs in nodes_of(cells[cell]) for pair in pairs)
        for cell in cells
    }
    text = (
        f"CNNGenotype(normal_0={triples['normal']}, reduce_1={triples['reduce']}, "
        "normal_0_concat=(2, 3, 4, 5), reduce_1_concat=(2, 3, 4, 5))"
    )
    return f"{comment}- " + text.replace(", 3)", ",\n  3)") + "\n"  # YAML's lines are short


def mixed_triples(cells):
    """NAT writes triples under DARTS's names; here a node's two stand apart."""
    triples = {
        cell: [(*pairs[slot], node) for slot in (0, 1) for node, pairs in nodes_of(cells[cell])]
        for cell in cells
    }
    return literal(triples)


def nni_fields(cells, wrap=int):
    content = {"width": 36, "num_cells": 20}
    for cell in cells:
        for node, pairs in nodes_of(cells[cell]):
            for slot, (operation, source) in enumerate(pairs):
                content[f"{cell}/op_{node}_{slot}"] = operation
                content[f"{cell}/input_{node}_{slot}"] = wrap(source)
    return content


def nni(cells):
    return json.dumps(nni_fields(cells), indent=2)


def nni_lists(cells):
    """NNI 3.0 exports inputs as lists of one."""
    return repr(nni_fields(cells, wrap=lambda source: [source]))


def nni_mutables_fields(cells, numbers=False):
    """Needs distinct inputs: an edge has one key."""
    content = {}
    for cell in cells:
        for node, pairs in nodes_of(cells[cell]):
            content |= {f"{cell}_n{node}_p{source}": [] for source in range(node)}
            for operation, source in pairs:
                number = OPERATIONS.index(operation) - 1
                content[f"{cell}_n{node}_p{source}"] = number if numbers else NNI_NAMES[number]
            sources = [source for _, source in pairs]
            content[f"{cell}_n{node}_switch"] = (
                sources if numbers else [f"{cell}_n{node}_p{source}" for source in sources]
            )
    return content


def nni_mutables(cells):
    return json.dumps(nni_mutables_fields(cells))


def nni_mutables_by_number(cells):
    return json.dumps(nni_mutables_fields(cells, numbers=True))


def nasbench301_fields(cells):
    """Needs distinct inputs, and has no order of a node's two."""
    content = {f"{NB301}layers": 8, "ImageAugmentation:cutout": "True"}
    for cell in cells:
        for node, pairs in nodes_of(cells[cell]):
            for operation, source in pairs:
                content[f"{NB301}edge_{cell}_{EDGE_OFFSETS[node] + source}"] = operation
            if node > 2:
                sources = sorted(source for _, source in pairs)
                content[f"{NB301}inputs_node_{cell}_{node}"] = "_".join(map(str, sources))
    return content


def nasbench301(cells):
    return json.dumps(nasbench301_fields(cells))


def nasbench301_results(cells):
    """A result file of the benchmark."""
    return json.dumps(
        {"budget": 100, "optimized_hyperparamater_config": nasbench301_fields(cells), "test_accuracy": 94.1}
    )


def numbers(cells, first):
    """NASLib's and BANANAS's pairs of numbers, counted from the operation `first`."""
    zero = OPERATIONS.index(first)
    return tuple(
        tuple((source, OPERATIONS.index(operation) - zero) for operation, source in cells[cell])
        for cell in ("normal", "reduce")
    )


def naslib(cells):
    return f"max_pool_3x3=0: {numbers(cells, 'max_pool_3x3')}"


def bananas(cells):
    return f"none=0: {json.dumps(numbers(cells, 'none'))}"


# All keep the order of a node's two pairs.
FOR_ALL = (
    literal,
    a_list_a_node,
    autodl,
    fields,
    python_fields,
    aw_nas,
    mixed_triples,
    nni,
    nni_lists,
    naslib,
    bananas,
)
FOR_DISTINCT = (nni_mutables, nni_mutables_by_number)
UNORDERED = (nasbench301, nasbench301_results)

# A cell to write and to spoil: all its nodes have two distinct inputs.
SAMPLE = {
    cell: [
        ("max_pool_3x3", 0),
        ("sep_conv_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("dil_conv_3x3", 2),
        ("max_pool_3x3", 1),
    ]
    for cell in ("normal", "reduce")
}
