"""DARTS's notation and that of its many descendants (P-DARTS, RelativeNAS, GM-NAS, pt.darts, AutoDL, NASLib).

Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], reduce_concat=...),
or a dictionary with these four keys. pt.darts and AutoDL write a list a node, NAT writes triples.
"""

from __future__ import annotations

from typing import Any

from nastk.notations.reading import CELLS, Reading, read_cells
from nastk.shown import shown

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")


def recognises(fields: dict[Any, Any]) -> bool:
    """Whether some key is DARTS's."""
    return any(key in fields for key in ("normal_concat", "reduce_concat", "recurrent"))


def read(fields: dict[Any, Any]) -> Reading:
    """The cells; a ValueError names the field at fault."""
    if "recurrent" in fields:
        raise ValueError(
            "a recurrent cell, of a network for text: nastk builds image classifiers, of a normal cell and "
            "a reduction cell"
        )
    # AutoDL writes connects=None, others normal_bottleneck='': fields of theirs that are not used
    used = {key for key, value in fields.items() if value is not None and value != ""}
    odd = sorted(used ^ set(FIELDS), key=str)
    if odd:
        name = odd[0][:60] if isinstance(odd[0], str) else shown(odd[0])
        raise ValueError(
            f"{name}: {'missing from' if odd[0] in FIELDS else 'unknown in'} the genotype literal"
        )
    return read_cells(fields, {cell: fields[f"{cell}_concat"] for cell in CELLS})


def write(content: dict[str, Any]) -> str:
    """The literal of the body of a genotype file."""
    cells = {key: [tuple(pair) for pair in content[key]] for key in ("normal", "reduce")}
    concat = content["concat"]
    return (
        f"Genotype(normal={cells['normal']}, normal_concat={concat}, "
        f"reduce={cells['reduce']}, reduce_concat={concat})"
    )
