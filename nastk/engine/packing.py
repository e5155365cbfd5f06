"""A job's state as one text and a few large tensors: thousands of small ones take long to write one by one.

All tensors of one shape and type are stacked, in the order of the text. That is JSON: a dict is {"dict": [keys,
values]}, so that keys may be of any type, a tuple {"tuple": [...]}, and a tensor {"tensor": STACK}, whose next row it
is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


@torch.no_grad()
def pack(state: Any) -> tuple[str, list[Tensor]]:
    """The text, and the stacks [n, ...] on the CPU; from another device each is copied as a whole.

    state: tensors, numbers, texts, None, and lists, tuples and dicts of them; TypeError for anything else.
    """
    packing = _Packing()
    text = json.dumps(packing.encoded(state))
    return text, [torch.stack(rows).cpu() for rows in packing.stacks]


def unpack(text: str, stacks: Sequence[Tensor]) -> Any:
    """What was packed, its tensors as copies.

    Any exception for what `pack` cannot have made. The tensors have no more numbers than `stacks` have together.
    """
    unpacking = _Unpacking(stacks)
    state = json.loads(text, object_hook=unpacking.decoded)
    if any(unpacking.rows):
        raise ValueError("rows that are no tensor of the state")
    return state


class _Packing:
    def __init__(self) -> None:
        self.stacks: list[list[Tensor]] = []
        # What stands in the text for tensors of a kind, and the stack that they are put on.
        self._kinds: dict[tuple[torch.dtype, torch.device, torch.Size], tuple[Any, list[Tensor]]] = {}

    def encoded(self, value: Any) -> Any:
        """The value as JSON can hold it."""
        if isinstance(value, Tensor):
            kind = value.dtype, value.device, value.shape
            if kind not in self._kinds:
                self._kinds[kind] = {"tensor": len(self.stacks)}, []
                self.stacks.append(self._kinds[kind][1])
            text, rows = self._kinds[kind]
            rows.append(value)
            return text
        if isinstance(value, dict):
            keys = [key if type(key) is str else self.encoded(key) for key in value]
            return {"dict": [keys, [self.encoded(part) for part in value.values()]]}
        if isinstance(value, list):
            return [self.encoded(part) for part in value]
        if isinstance(value, tuple):
            return {"tuple": [self.encoded(part) for part in value]}
        return value


class _Unpacking:
    def __init__(self, stacks: Sequence[Tensor]) -> None:
        self.rows = [[*stack.unbind()][::-1] for stack in stacks]  # those to come of each, the next one last

    def decoded(self, value: dict[str, Any]) -> Any:
        """What a JSON object stands for, its parts being decoded."""
        ((kind, content),) = value.items()
        if kind == "tensor":
            return self.rows[content].pop().clone()
        if kind == "dict":
            keys, parts = content
            return dict(zip(keys, parts, strict=True))
        return {"tuple": tuple}[kind](content)
