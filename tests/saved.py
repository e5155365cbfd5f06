"""A checkpoint's file as it is, opened and written by hand: nothing of it is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nastk.engine.packing import pack, unpack

PACKED = ("streams", "job")


def read(path: Path | str) -> dict[str, Any]:
    """What is in it, the states of streams and job unpacked."""
    content: dict[str, Any] = torch.load(path, weights_only=True)
    state: dict[str, Any] = unpack(content.pop("state"), content.pop("tensors"))
    return content | state


def write(path: Path | str, content: dict[str, Any]) -> None:
    """With the digest that is in `content`, whatever that is of; with streams and job, if they are in it, packed."""
    state = {name: content[name] for name in PACKED if name in content}
    if state:
        text, tensors = pack(state)
        content = {name: part for name, part in content.items() if name not in PACKED}
        content |= {"state": text, "tensors": tensors}
    torch.save(content, path)
