"""A cell as plain text for a terminal: one line a node, aligned, without colour codes."""

from __future__ import annotations

from itertools import zip_longest

from nastk.spaces.cell_graph import CellGraph

OUTPUT = "c_{k}"


def cell_text(title: str, cell: CellGraph) -> str:
    """The lines of one cell:

    normal cell
          2 = sep_conv_3x3(c_{k-2}) + dil_conv_5x5(c_{k-1})
          ...
      c_{k} = concat(2, 3, 4, 5)
    """
    terms = [
        [f"{operation}({_name(cell, source)})" for operation, source, _ in cell.edges_into(node)]
        for node in range(cell.num_inputs, cell.num_nodes + 1)
    ]
    widths = [max(map(len, column)) for column in zip_longest(*terms, fillvalue="")]
    sums = [" + ".join(term.ljust(width) for term, width in zip(row, widths, strict=False)) for row in terms]
    if cell.concat:
        sums[-1] = f"concat({', '.join(map(str, cell.concat))})"
    names = [*map(str, range(cell.num_inputs, cell.num_nodes)), OUTPUT]
    lines = [
        f"  {name:>{len(OUTPUT)}} = {total or '0'}".rstrip() for name, total in zip(names, sums, strict=True)
    ]
    return "\n".join([title, *lines]) + "\n"


def _name(cell: CellGraph, source: int) -> str:
    """An input of a node as the papers write it: c_{k-2}, c_{k-1} or the node's number."""
    return f"c_{{k-{cell.num_inputs - source}}}" if source < cell.num_inputs else str(source)
