"""aw_nas's notation: cell groups by number, and triples that say which node an input leads to.

CNNGenotype(normal_0=(('sep_conv_3x3', 0, 2), ...), reduce_1=(...), normal_0_concat=(2, 3, 4, 5),
reduce_1_concat=(2, 3, 4, 5)). Its files are YAML lists of such lines, without names.
"""

from __future__ import annotations

import re
from typing import Any

from nastk.notations.reading import CELLS, Reading, read_cells
from nastk.shown import shown

_FIELD = re.compile(r"(normal|reduce)_[0-9]{1,3}(_concat)?")


def recognises(fields: dict[Any, Any]) -> bool:
    """Whether some field is a cell group."""
    return any(isinstance(key, str) and _FIELD.fullmatch(key) for key in fields)


def read(fields: dict[Any, Any]) -> Reading:
    """The cells; a ValueError names the field at fault."""
    unknown = next((key for key in fields if not (isinstance(key, str) and _FIELD.fullmatch(key))), None)
    if unknown is not None:
        raise ValueError(f"{shown(unknown)}: no cell group of aw_nas's, which are called normal_0, reduce_1")
    cells = {}
    concats = {}
    for cell in CELLS:
        groups = [key for key in fields if key.startswith(cell) and not key.endswith("_concat")]
        if len(groups) != 1:
            raise ValueError(f"{cell}: {len(groups)} groups of such cells, where nastk's networks have one")
        cells[cell] = fields[groups[0]]
        if f"{groups[0]}_concat" not in fields:
            raise ValueError(f"{groups[0]}_concat: missing from the genotype literal")
        concats[cell] = fields[f"{groups[0]}_concat"]
    return read_cells(cells, concats)
