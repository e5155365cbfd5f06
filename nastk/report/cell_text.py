"""A cell as plain text for a terminal: one line a node, aligned, without colour codes."""

from __future__ import annotations

from collections.abc import Sequence

from nastk.spaces.cell import NUM_INPUTS, PAIRS_PER_NODE, Pair

OUTPUT = "c_{k}"


def cell_text(title: str, pairs: Sequence[Pair], concat: Sequence[int]) -> str:
    """The lines of one cell: (operation, input) pairs, two a node, node by node.

    normal cell
          2 = sep_conv_3x3(c_{k-2}) + dil_conv_5x5(c_{k-1})
          ...
      c_{k} = concat(2, 3, 4, 5)
    """
    terms = [f"{operation}({source_name(source)})" for operation, source in pairs]
    rows = [terms[first : first + PAIRS_PER_NODE] for first in range(0, len(terms), PAIRS_PER_NODE)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [title]
    for node, row in enumerate(rows, start=NUM_INPUTS):
        total = " + ".join(term.ljust(width) for term, width in zip(row, widths, strict=True))
        lines.append(f"  {node:>{len(OUTPUT)}} = {total}".rstrip())
    lines.append(f"  {OUTPUT} = concat({', '.join(map(str, concat))})")
    return "\n".join(lines) + "\n"


def source_name(source: int) -> str:
    """An input of a node as the papers write it: c_{k-2}, c_{k-1} or the node's number."""
    return f"c_{{k-{NUM_INPUTS - source}}}" if source < NUM_INPUTS else str(source)
