"""What can be wrong with a checkpoint that is whole: each of its parts left out, or something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from nastk.engine.digest import digest

PARTS = ("streams", "job", "inputs")


def mutations(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what was done, the content with that part left out or changed), for every part of these parts."""
    for place in _places({name: content[name] for name in PARTS}):
        yield f"without {place}", _with(content, place, lambda parts, key: parts.pop(key))
        part: Any = content
        for key in place:
            part = part[key]
        for number, other in enumerate(_others(part)):

            def put(parts: Any, key: Any, other: Any = other) -> None:
                parts[key] = other

            yield f"{place} is {number} of what it can be instead", _with(content, place, put)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of `value`."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*place, key)
        yield from _places(part, (*place, key))


def _others(value: Any) -> list[Any]:
    """What a part can be instead: of another shape, length or type, or another one of its type."""
    if isinstance(value, torch.Tensor):
        others = [value.to(torch.float16), value[None], value.flatten()[:-1], value.tolist(), value * 0 + 7]
        return [other for other in others if digest(other) != digest(value)]
    if isinstance(value, list):
        return [[*value, *(value[-1:] or [0])], value[:-1] or [None], {}, None]
    if isinstance(value, dict):
        return [value | {"more": 1}, [*value], None, dict(reversed(value.items())) if len(value) > 1 else 5]
    if isinstance(value, float):
        return [value + 1, str(value), float("nan") if value == value else 1, torch.tensor(value), None]
    return [[value], f"{value}x", 3.25, float("inf"), torch.zeros(2), -7]


def _with(value: Any, place: tuple[Any, ...], change: Callable[[Any, Any], Any]) -> Any:
    """A copy of `value` in which `change` has been applied to the container of the part at `place`."""
    copied = dict(value) if isinstance(value, dict) else list(value)
    if len(place) == 1:
        change(copied, place[0])
    else:
        copied[place[0]] = _with(value[place[0]], place[1:], change)
    return copied
