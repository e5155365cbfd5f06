"""What every notation ends in: the body of a genotype file, checked for what no cell space of nastk takes.

A cell is read from (operation, input) pairs in a row, two a node; from a list of pairs a node; or from
(operation, input, node) triples in any order.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeGuard

from nastk.shown import shown

NODES = (2, 3, 4, 5)  # of a cell of the DARTS family, behind its inputs 0 and 1
CELLS = ("normal", "reduce")
# What "no connection" is called: by DARTS, NASLib and NAT.
NO_CONNECTION = ("none", "zero", "null")
_DEPTH = 4  # of lists: cell, node, pair, and what may wrongly be in one


class Reading(NamedTuple):
    """The name of a space, and the body of a genotype file of it, which the space has yet to check."""

    space: str
    content: dict[str, Any]


def read_cells(cells: dict[str, Any], concats: dict[str, Any] | None = None) -> Reading:
    """A normal and a reduction cell of the DARTS family; concats: the nodes each concatenates, if they say so.

    A notation names no space: a node that takes the same input twice is RelativeNAS's, all else is DARTS's.
    """
    content = {cell: _pairs(cell, cells[cell]) for cell in CELLS}
    space = "relativenas" if any(map(_has_input_twice, content.values())) else "darts"
    normal, reduce = (_listed(concats[cell] if concats else NODES) for cell in CELLS)
    if normal != reduce:
        raise ValueError("reduce_concat: differs from normal_concat, which nastk's cells do not allow")
    return Reading(space, content | {"concat": normal})


def is_index(value: Any) -> TypeGuard[int]:
    """An integer proper: true compares equal to 1."""
    return type(value) is int


def inputs_of(node: int, number: int) -> str:
    """What is wrong with a node of so many inputs."""
    return f"node {node} has {number} input{'' if number == 1 else 's'}, where nastk's nodes have two"


def _pairs(cell: str, value: Any) -> Any:
    """The pairs of a cell, node by node; what is no list is left for the space to refuse."""
    value = _listed(value)
    if not isinstance(value, list):
        return value
    nested = bool(value) and all(_is_node(node) for node in value)
    _check_size(cell, value, nested)
    rows = [row for node in value for row in node] if nested else value
    for position, row in enumerate(rows):
        _check_row(f"{cell}[{position}]", row)
    if rows and all(isinstance(row, list) and len(row) == 3 for row in rows):
        return _by_node(cell, rows)
    return rows


def _is_node(value: Any) -> bool:
    """Whether it is a list of pairs, and no pair."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, list) for item in value)


def _check_size(cell: str, value: list[Any], nested: bool) -> None:
    for number, node in enumerate(value if nested else [], start=NODES[0]):
        if len(node) != 2:
            raise ValueError(f"{cell}: {inputs_of(number, len(node))}")
    nodes = len(value) if nested else len(value) / 2
    if nodes != len(NODES) and nodes == int(nodes) and all(isinstance(row, list) for row in value):
        raise ValueError(f"{cell}: a cell of {int(nodes)} nodes, where nastk's have {len(NODES)}")


def _check_row(where: str, row: Any) -> None:
    """ValueError for what no space of nastk's has: no connection as a choice, weights."""
    if not isinstance(row, list) or not row:
        return
    if isinstance(row[0], str) and row[0] in NO_CONNECTION:
        raise ValueError(
            f"{where}: {row[0]!r} cannot be part of a found cell: it is no connection, and every node has two"
        )
    if len(row) == 3 and isinstance(row[2], float):
        raise ValueError(
            f"{where}: a weighted cell: {shown(tuple(row))} has the weight {shown(row[2])}, and nastk's cells "
            "have none; leave the weights out if they only say how strong a choice was"
        )


def _by_node(cell: str, triples: list[Any]) -> list[Any]:
    """The pairs of (operation, input, node) triples, which may come in any order of nodes."""
    for position, row in enumerate(triples):
        if not is_index(row[2]) or row[2] not in NODES:
            raise ValueError(
                f"{cell}[{position}]: the third of {shown(tuple(row))} is the node that the input leads to, "
                f"which must be {NODES[0]} to {NODES[-1]}"
            )
    for node in NODES:
        inputs = sum(row[2] == node for row in triples)
        if inputs != 2:
            raise ValueError(f"{cell}: {inputs_of(node, inputs)}")
    return [row[:2] for row in sorted(triples, key=lambda row: row[2])]


def _has_input_twice(pairs: Any) -> bool:
    """Whether some node takes the same input twice, as far as pairs are pairs."""
    if not isinstance(pairs, list):
        return False
    inputs = [row[1] if isinstance(row, list) and len(row) == 2 else None for row in pairs]
    return any(
        is_index(one) and is_index(other) and one == other
        for one, other in zip(inputs[::2], inputs[1::2], strict=False)
    )


def _listed(value: Any, depth: int = _DEPTH) -> Any:
    """Tuples as lists, as JSON would give them, as deep as a cell goes."""
    if depth == 0 or not isinstance(value, (list, tuple)):
        return value
    return [_listed(item, depth - 1) for item in value]
