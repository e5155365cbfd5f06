"""NNI's DARTS space (nni.nas.hub, version 3): a dictionary with a key a choice.

{'normal/op_2_0': 'sep_conv_3x3', 'normal/input_2_0': 0, ...}: node 2, its first of two inputs. An input is
a number, or a list of one. What else an export holds (width, depth, num_cells) is the network's, not the
cell's.
"""

from __future__ import annotations

import re
from typing import Any

from nastk.notations.reading import CELLS, NODES, Reading, read_cells
from nastk.shown import shown

_KEY = re.compile(r"(?:normal|reduce)/(?:op|input)_([0-9]{1,3})_([0-9]{1,3})")


def recognises(fields: dict[Any, Any]) -> bool:
    """Whether some key is such a choice."""
    return any(isinstance(key, str) and _KEY.fullmatch(key) for key in fields)


def read(fields: dict[Any, Any]) -> Reading:
    """The cells; a ValueError names the key at fault."""
    for key in fields:
        found = _KEY.fullmatch(key) if isinstance(key, str) else None
        if found and int(found[1]) not in NODES:
            raise ValueError(f"{key}: a cell with a node {found[1]}; nastk's have {NODES[0]} to {NODES[-1]}")
        if found and found[2] not in ("0", "1"):
            raise ValueError(f"{key}: a node with more than two inputs; nastk's nodes have two")
    cells = {
        cell: [
            [_value(fields, f"{cell}/op_{node}_{slot}"), _input(fields, f"{cell}/input_{node}_{slot}")]
            for node in NODES
            for slot in (0, 1)
        ]
        for cell in CELLS
    }
    return read_cells(cells)


def _value(fields: dict[Any, Any], key: str) -> Any:
    if key not in fields:
        raise ValueError(f"{key}: missing from NNI's architecture")
    return fields[key]


def _input(fields: dict[Any, Any], key: str) -> Any:
    value = _value(fields, key)
    if not isinstance(value, (list, tuple)):
        return value
    if len(value) != 1:
        raise ValueError(f"{key}: expected one input, found {shown(value)}")
    return value[0]
