"""NNI's DARTS example, versions 1 and 2: a key an edge, and a switch a node that says which two it takes.

{'normal_n2_p0': 'sepconv3x3', 'normal_n2_p1': 2, 'normal_n2_switch': ['normal_n2_p0', 'normal_n2_p1'], ...}:
node 2, the edge from input 0. Operations by name or by number, in the order of NNI's example; an edge that
is not taken is an empty list, or left out by its switch.
"""

from __future__ import annotations

import re
from typing import Any

from nastk.notations.reading import CELLS, NODES, Reading, is_index, read_cells
from nastk.shown import shown

# In the order of the example's choices, by which it numbers them.
_OPERATIONS = {
    "maxpool": "max_pool_3x3",
    "avgpool": "avg_pool_3x3",
    "skipconnect": "skip_connect",
    "sepconv3x3": "sep_conv_3x3",
    "sepconv5x5": "sep_conv_5x5",
    "dilconv3x3": "dil_conv_3x3",
    "dilconv5x5": "dil_conv_5x5",
    "none": "none",
}
_KEY = re.compile(r"(?:normal|reduce)_n([0-9]{1,3})_(?:p[0-9]{1,3}|switch)")


def recognises(fields: dict[Any, Any]) -> bool:
    """Whether some key is an edge or a switch."""
    return any(isinstance(key, str) and _KEY.fullmatch(key) for key in fields)


def read(fields: dict[Any, Any]) -> Reading:
    """The cells; a ValueError names the key at fault."""
    for key in fields:
        found = _KEY.fullmatch(key) if isinstance(key, str) else None
        if found and int(found[1]) not in NODES:
            raise ValueError(f"{key}: a cell with a node {found[1]}; nastk's have {NODES[0]} to {NODES[-1]}")
    cells = {
        cell: [_pair(fields, cell, node, edge) for node in NODES for edge in _switch(fields, cell, node)]
        for cell in CELLS
    }
    return read_cells(cells)


def _switch(fields: dict[Any, Any], cell: str, node: int) -> list[int]:
    """The two inputs that a node takes."""
    key = f"{cell}_n{node}_switch"
    if key not in fields:
        raise ValueError(f"{key}: missing; without it nothing says which two inputs node {node} takes")
    edges = {f"{cell}_n{node}_p{edge}": edge for edge in range(node)}
    value = fields[key]
    taken = value if isinstance(value, (list, tuple)) and len(value) == 2 else []
    inputs = [edges.get(item) if isinstance(item, str) else item for item in taken]
    known = [edge for edge in inputs if is_index(edge) and 0 <= edge < node]
    if len(known) != 2:
        raise ValueError(f"{key}: expected two of {', '.join(edges)}, found {shown(value)}")
    return known


def _pair(fields: dict[Any, Any], cell: str, node: int, edge: int) -> list[Any]:
    key = f"{cell}_n{node}_p{edge}"
    operation = fields.get(key)
    if is_index(operation) and operation in range(len(_OPERATIONS)):
        return [list(_OPERATIONS.values())[operation], edge]
    if isinstance(operation, str) and operation in _OPERATIONS:
        return [_OPERATIONS[operation], edge]
    names = ", ".join(_OPERATIONS)
    raise ValueError(f"{key}: expected one of {names}, or its number, found {shown(operation)}")
