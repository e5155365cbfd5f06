"""Operations by number, as NASLib, naszilla and BANANAS write architectures, in two countings each.

A pair of cells, each of eight (input, operation) pairs, two a node: NASLib and naszilla count
max_pool_3x3 as 0; BANANAS and Li and Talwalkar's code count none as 0.
Six operations of NAS-Bench-201: NASLib counts skip_connect as 0, edge by edge from their sources; the
benchmark counts none as 0, edge by edge to their targets.
Most numbers fit both, and mean different networks: the user is asked for the operation that is 0.
"""

from __future__ import annotations

from typing import Any

from nastk.notations.reading import CELLS, Reading, is_index, read_cells
from nastk.shown import shown

_CELL_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
_CELL_COUNTINGS = {"max_pool_3x3": _CELL_OPERATIONS[1:], "none": _CELL_OPERATIONS}

_TARGETS = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # (node, input), in the benchmark's order
_SOURCES = ((1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2))  # in NASLib's
_GRAPH_COUNTINGS = {
    "skip_connect": (("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"), _SOURCES),
    "none": (("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"), _TARGETS),
}


def recognises(value: Any) -> bool:
    """Whether it is one of the two forms, whatever the numbers."""
    return _is_graph(value) or _are_cells(value)


def read(value: Any, first: str | None) -> Reading:
    """The architecture, `first` being the operation that is counted as 0; None: the user has not said."""
    return _read_graph(value, first) if _is_graph(value) else _read_cells(value, first)


def _is_graph(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == len(_TARGETS) and all(map(is_index, value))


def _are_cells(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == len(CELLS)
        and all(isinstance(cell, (list, tuple)) and cell for cell in value)
        and all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and all(map(is_index, pair))
            for cell in value
            for pair in cell
        )
    )


def _read_cells(value: Any, first: str | None) -> Reading:
    largest = max(operation for cell in value for _, operation in cell)
    if first is None and largest >= len(_CELL_OPERATIONS) - 1:
        first = "none"  # the only counting with so many
    if first is None:
        one, other = (operations[0] for operations in _CELL_COUNTINGS.values())
        raise ValueError(
            f"operations by number: is {one} counted as 0 (NASLib, naszilla), or {other} (BANANAS)? "
            f"Write {one}=0: or {other}=0: before them"
        )
    operations = _counting(_CELL_COUNTINGS, first)
    cells = {
        cell: [[_operation(f"{cell}[{i}]", operations, pair[1]), pair[0]] for i, pair in enumerate(pairs)]
        for cell, pairs in zip(CELLS, value, strict=True)
    }
    return read_cells(cells)


def _read_graph(value: Any, first: str | None) -> Reading:
    if first is None:
        raise ValueError(
            "operations of NAS-Bench-201 by number: is skip_connect counted as 0 (NASLib, edges by their "
            "source), or none (the benchmark, edges by their target)? Write skip_connect=0: or none=0: before "
            "them, or write the benchmark's string |op~0|+|op~0|op~1|+..."
        )
    operations, edges = _counting(_GRAPH_COUNTINGS, first)
    chosen = {edge: _operation(f"[{i}]", operations, value[i]) for i, edge in enumerate(edges)}
    nodes = [
        "".join(f"{chosen[edge]}~{edge[1]}|" for edge in _TARGETS if edge[0] == node) for node in (1, 2, 3)
    ]
    return Reading("nasbench201", {"arch": "+".join(f"|{node}" for node in nodes)})


def _counting(countings: dict[str, Any], first: str) -> Any:
    if first not in countings:
        raise ValueError(f"{first}=0: known countings are {' and '.join(f'{name}=0' for name in countings)}")
    return countings[first]


def _operation(where: str, operations: tuple[str, ...], number: int) -> str:
    if not 0 <= number < len(operations):
        raise ValueError(
            f"{where}: operation {shown(number)}, where {operations[0]}=0 counts to {len(operations) - 1}"
        )
    return operations[number]
