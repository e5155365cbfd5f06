"""NAS-Bench-301's configurations (ConfigSpace), which NASLib writes too: a key an edge.

{'NetworkSelectorDatasetInfo:darts:edge_normal_0': 'sep_conv_3x3', ...,
 'NetworkSelectorDatasetInfo:darts:inputs_node_normal_3': '0_1', ...}: edge = the node's offset (0, 2, 5, 9)
+ the input, and again which two inputs the nodes 3 to 5 take. Node 2 takes both. The benchmark's result
files hold one among other things. An edge has one key: no node can take the same input twice.
"""

from __future__ import annotations

import re
from typing import Any

from nastk.notations.reading import CELLS, NODES, Reading, inputs_of, read_cells
from nastk.shown import shown

_PREFIX = "NetworkSelectorDatasetInfo:darts:"
_EDGE = re.compile(_PREFIX + r"edge_(normal|reduce)_(.*)", re.DOTALL)
_INPUTS = re.compile(_PREFIX + r"inputs_node_(normal|reduce)_([3-5])")
_IN_RESULTS = "optimized_hyperparamater_config"  # spelt so
_EDGES = {str(edge): pair for edge, pair in enumerate((node, i) for node in NODES for i in range(node))}


def recognises(fields: dict[Any, Any]) -> bool:
    """Whether some key is an edge, here or in a result file's configuration."""
    return any(isinstance(key, str) and _EDGE.match(key) for key in _configuration(fields))


def read(fields: dict[Any, Any]) -> Reading:
    """The cells; a ValueError names the key at fault."""
    configuration = _configuration(fields)
    nodes: dict[tuple[str, int], dict[int, Any]] = {(cell, node): {} for cell in CELLS for node in NODES}
    for key, value in configuration.items():
        if isinstance(key, str) and (found := _EDGE.match(key)):
            cell, edge = found.groups()
            if edge not in _EDGES:
                raise ValueError(f"{key[:100]}: expected an edge from 0 to {len(_EDGES) - 1}")
            node, source = _EDGES[edge]
            nodes[cell, node][source] = value
    for (cell, node), taken in nodes.items():
        if len(taken) != 2:
            one = "; one that takes the same input twice cannot be written so" if len(taken) == 1 else ""
            raise ValueError(f"{cell}: {inputs_of(node, len(taken))}{one}")
    for key, value in configuration.items():
        if isinstance(key, str) and (found := _INPUTS.fullmatch(key)):
            taken = nodes[found[1], int(found[2])]
            expected = "_".join(map(str, sorted(taken)))
            if value != expected:
                raise ValueError(f"{key}: {shown(value)}, but its node's edges come from {expected}")
    cells = {
        cell: [
            [taken[source], source]
            for node in NODES
            for taken in [nodes[cell, node]]
            for source in sorted(taken)
        ]
        for cell in CELLS
    }
    return read_cells(cells)


def _configuration(fields: dict[Any, Any]) -> dict[Any, Any]:
    inner = fields.get(_IN_RESULTS)
    return inner if isinstance(inner, dict) else fields
