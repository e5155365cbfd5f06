"""What a configuration key may hold, and the user's words for a value that it may not."""

from __future__ import annotations

import types
import typing
from typing import Any

from nastk.shown import shown

LARGEST = 3.4028234663852886e38  # what PyTorch computes with


def allowed_value(dotted: str, value: Any, declared: Any, metadata: Any) -> Any:
    """`value` (1 as 1.0 for floats); ValueError if it is not of the type `declared` or out of bounds."""
    if not _fits(declared, value):
        raise ValueError(f"{dotted}: expected {_spelled(declared)}, found {shown(value)}")
    _check_range(dotted, value, metadata)
    if declared == list[float]:
        return [float(item) for item in value]
    is_number = value is not None and (declared is float or float in typing.get_args(declared))
    return float(value) if is_number else value


def is_text(declared: Any) -> bool:
    """Whether a key of this type holds a text, or null."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return any(map(is_text, typing.get_args(declared)))
    return declared is str


def _fits(declared: Any, value: Any) -> bool:
    """Whether a YAML value is of the declared type; stricter than OmegaConf, for which 1 is true."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return any(_fits(option, value) for option in typing.get_args(declared))
    if typing.get_origin(declared) is list:
        return isinstance(value, list) and all(_fits(typing.get_args(declared)[0], item) for item in value)
    if declared in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if declared is float else declared)


def _spelled(declared: Any) -> str:
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return " or ".join(map(_spelled, typing.get_args(declared)))
    if typing.get_origin(declared) is list:
        return f"a list of {_spelled(typing.get_args(declared)[0]).removeprefix('an ').removeprefix('a ')}s"
    names = {int: "an integer", float: "a number", bool: "true or false", str: "a text", type(None): "null"}
    return names[declared]


def _check_range(dotted: str, value: Any, metadata: Any) -> None:
    low, above, high, choices = (metadata[name] for name in ("low", "above", "high", "choices"))
    for item in value if isinstance(value, list) else [value]:
        if choices and item not in choices:
            raise ValueError(f"{dotted}: expected one of {', '.join(choices)}, found {shown(item)}")
        if isinstance(item, str) and ("${" in item or item == "???"):  # which have a meaning to OmegaConf
            raise ValueError(f"{dotted}: {item!r} is not supported")
        if item is None or isinstance(item, (str, bool)):
            continue
        bounds = [
            (low is not None and not item >= low, f"at least {low}"),
            (above is not None and not item > above, f"more than {above}"),
            (high is not None and not item <= high, f"at most {high}"),
            (not abs(item) <= LARGEST, "a number that float32 can hold"),
        ]
        for wrong, wanted in bounds:
            if wrong:
                raise ValueError(f"{dotted}: expected {wanted}, found {shown(item)}")
