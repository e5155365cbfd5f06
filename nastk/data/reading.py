"""Reading many files by several threads: what can be read, and why the rest cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from PIL import UnidentifiedImageError
from torch import Tensor

from nastk.data.decoding import Form, decode
from nastk.data.files import printable, reason_of
from nastk.data.quiet import no_warnings

_MOST_THREADS = 64  # data.workers may be anything
_SHOWN = 3  # unreadable files that a message names

T = TypeVar("T")


@dataclass(frozen=True)
class Unreadable:
    """A file that is no whole image, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)} ({self.reason})"


def some(bad: Sequence[Unreadable]) -> str:
    """The first few of them, for a message."""
    more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
    return ", ".join(map(str, bad[:_SHOWN])) + more


def attempt_all(
    read: Callable[[str], T], paths: Sequence[str], threads: int, *, enough: int | None = None
) -> list[T | Unreadable]:
    """`read(path)` of every path in order, or why it fails, by `threads` threads (decoders let go of
    Python's lock).

    enough: so many failures end it, and the list with the last of them. An interrupt ends it as soon as
    the files in hand are read.
    """
    results: dict[int, T | Unreadable] = {}
    failures: list[int] = []
    waiting = iter(range(len(paths)))  # one for all threads: who is free takes the next
    stop = threading.Event()

    def work() -> None:
        try:
            for number in waiting:
                result = results[number] = _attempt(read, paths[number])
                if isinstance(result, Unreadable):
                    failures.append(number)
                if stop.is_set() or (enough is not None and len(failures) >= enough):
                    return
        except BaseException:
            stop.set()
            raise

    num = max(min(threads, len(paths), _MOST_THREADS), 1)
    with no_warnings(), ThreadPoolExecutor(num) as pool:
        try:
            for future in [pool.submit(work) for _ in range(num)]:
                future.result()
        finally:
            stop.set()
    read_in_order = [results[number] for number in range(len(results))]
    if enough is None or len(failures) < enough:
        return read_in_order
    return read_in_order[: sorted(failures)[enough - 1] + 1]  # whatever other threads still did


def decode_all(paths: Sequence[str], form: Form) -> Tensor:
    """uint8 [N, H, W, C] of files that were checked before; ValueError if one went bad since."""
    pixels = torch.empty(len(paths), *form.size, form.channels, dtype=torch.uint8)
    with no_warnings():
        for number, path in enumerate(paths):
            image = _attempt(lambda path: decode(path, form), path)
            if isinstance(image, Unreadable):
                raise ValueError(f"cannot read {image}; it could be read when the data set was loaded")
            pixels[number] = image
    return pixels


def decode_one(path: str, form: Form) -> Tensor:
    """uint8 [H, W, C] of a file that was not looked at yet; ValueError if it cannot be read."""
    with no_warnings():
        image = _attempt(lambda path: decode(path, form), path)
    if isinstance(image, Unreadable):
        raise ValueError(f"cannot read {image}")
    return image


def _attempt(read: Callable[[str], T], path: str) -> T | Unreadable:
    """Whatever a decoder raises on foreign bytes is the file's fault, be it of whatever type."""
    try:
        return read(path)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many types on foreign bytes
        return Unreadable(path, _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return reason_of(error)
    if isinstance(error, UnidentifiedImageError):
        return "its header is damaged"
    return " ".join(str(error).split()) or type(error).__name__
