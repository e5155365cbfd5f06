"""The notations of other systems, one a file: what a value of Python or JSON stands for.

`texts` finds the value in a text. No notation knows a search space: it ends in the name of one and the body
of a genotype file (`reading`), which the space checks. Nothing is ever evaluated or unpickled.
"""

from __future__ import annotations

from typing import Any

from nastk.notations import aw_nas, darts, nasbench301, naslib, nni, nni_mutables
from nastk.notations.reading import Reading

# Fields by name, as a dictionary or as Genotype(field=...). No two recognise the same.
_OF_FIELDS = (darts, aw_nas, nni, nni_mutables, nasbench301)


def is_known(value: Any) -> bool:
    """Whether a value of Python or JSON is in one of the notations, if perhaps a wrong one."""
    if isinstance(value, dict):
        return any(notation.recognises(value) for notation in _OF_FIELDS)
    return naslib.recognises(value)


def read(value: Any, first: str | None = None) -> Reading:
    """What a value in one of the notations stands for; ValueError if nastk cannot take it.

    Fields that no notation recognises are read as DARTS's, which says what is missing.

    first: the operation that is counted as 0, where the user has said so.
    """
    if not isinstance(value, dict):
        return naslib.read(value, first)
    if first is not None:
        raise ValueError(f"{first}=0: is said of operations by number; here they have names")
    notation = next((notation for notation in _OF_FIELDS if notation.recognises(value)), darts)
    return notation.read(value)
