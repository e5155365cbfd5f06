"""The digest of a job's state: equal if and only if types, names, shapes and numbers are, bit for bit."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor


def digest(state: Any, *, most_bytes: int | None = None) -> str:
    """SHA-256, in hexadecimal digits, of `state`: tensors, numbers, texts, and lists and dicts of them.

    A tensor is what its numbers are, wherever they lie, on whatever device, in whatever layout.
    most_bytes: ValueError if the tensors have more bytes together. A file of a few kilobytes can hold one
    number that claims to be a billion, or the same list a billion times, nested.
    """
    return _Digests(most_bytes).of(state).hex()


class _Digests:
    def __init__(self, most_bytes: int | None) -> None:
        self._left = most_bytes
        self._known: dict[
            int, tuple[Any, bytes]
        ] = {}  # id -> the thing itself, which keeps its id, its digest

    def of(self, value: Any) -> bytes:
        """The digest of one value; what is met again is not looked at again."""
        if id(value) not in self._known:
            self._known[id(value)] = value, self._new(value)
        return self._known[id(value)][1]

    def _new(self, value: Any) -> bytes:
        if isinstance(value, Tensor):
            return _sha256(f"tensor {value.dtype} {list(value.shape)}".encode(), self._bytes_of(value))
        if isinstance(value, dict):
            return _sha256(b"dict", *(self.of(part) for pair in value.items() for part in pair))
        if isinstance(value, (list, tuple)):
            return _sha256(b"list", *map(self.of, value))
        text = hex(value) if type(value) is int else repr(value)  # of a long number, no decimal digits
        return _sha256(f"{type(value).__name__} {text}".encode(errors="surrogatepass"))

    def _bytes_of(self, tensor: Tensor) -> Any:
        if self._left is not None:
            self._left -= tensor.nbytes
            if self._left < 0:
                raise ValueError("tensors that are larger than their file")
        flat = tensor.detach().cpu().contiguous().flatten()
        return flat.view(torch.uint8).numpy() if flat.numel() else b""


def _sha256(head: bytes, *parts: Any) -> bytes:
    """Of a head that is no beginning of another one, and parts whose number follows from their length."""
    found = hashlib.sha256(b"%d " % len(head) + head)
    for part in parts:
        found.update(part)
    return found.digest()
