"""Image files: what their headers say, whether they are whole, and their pixels."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from nastk.data.sizes import fit

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp")
_GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}  # PIL's modes without colour

T = TypeVar("T")


@dataclass(frozen=True)
class Header:
    size: tuple[int, int]  # (H, W) in pixels
    grey: bool


@dataclass(frozen=True)
class Unreadable:
    """A file that is no whole image, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)} ({self.reason})"


def printable(path: str | os.PathLike[str]) -> str:
    """The path on one line that any terminal takes."""
    text = os.fspath(path).encode(errors="backslashreplace").decode()
    return text if text.isprintable() else repr(text)[1:-1]


def read_header(path: str) -> Header:
    with Image.open(path) as image:
        return Header((image.height, image.width), image.mode in _GREY)


def check(path: str) -> None:
    """Raise what is wrong with a file, for less than decoding it (checksums; a JPEG at an eighth)."""
    with Image.open(path) as image:
        if image.format == "JPEG":
            image.draft(image.mode, (1, 1))
            image.load()
        else:
            image.verify()


def decode(path: str, channels: int, size: tuple[int, int]) -> Tensor:
    """uint8 [H, W, C] of a file: grey (C = 1) or colour (C = 3), alpha dropped, brought to `size`."""
    with Image.open(path) as image:
        pixels = _grey(image) if channels == 1 else _colour(image)
    return fit(torch.from_numpy(pixels).view(*pixels.shape[:2], channels), size)


def _grey(image: Image.Image) -> np.ndarray:
    """uint8 [H, W]. PIL clips 16-bit grey to 255 instead of scaling it, so that is done here."""
    if image.mode.startswith("I"):
        deep = np.clip(np.array(image).astype(np.int64), 0, 65535)
        return ((deep * 255 + 32767) // 65535).astype(np.uint8)
    return np.array(image.convert("L"))


def _colour(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 3]."""
    if image.mode in _GREY:
        return np.repeat(_grey(image)[:, :, None], 3, axis=2)
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def decode_all(paths: Sequence[str], channels: int, size: tuple[int, int]) -> Tensor:
    """uint8 [N, H, W, C] of files that were checked before; ValueError if one went bad since."""
    pixels = torch.empty(len(paths), *size, channels, dtype=torch.uint8)
    with _quiet():
        for number, path in enumerate(paths):
            image = _attempt(lambda path: decode(path, channels, size), path)
            if isinstance(image, Unreadable):
                raise ValueError(f"cannot read {image}; it could be read when the data set was loaded")
            pixels[number] = image
    return pixels


def attempt_all(read: Callable[[str], T], paths: Sequence[str], threads: int) -> list[T | Unreadable]:
    """`read(path)` of every path in order, or why it fails, by `threads` threads (decoders let go of
    Python's lock)."""
    with _quiet(), ThreadPoolExecutor(max(threads, 1)) as pool:
        return list(pool.map(lambda path: _attempt(read, path), paths))


def _attempt(read: Callable[[str], T], path: str) -> T | Unreadable:
    """Whatever a decoder raises on foreign bytes is the file's fault, be it of whatever type."""
    try:
        return read(path)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many types on foreign bytes
        return Unreadable(path, _reason(path, error))


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return "0 bytes"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PIL's warnings about odd metadata and many pixels: neither changes what is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
