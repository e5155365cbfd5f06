"""What a data set was when it was loaded, small enough for a checkpoint, and how two of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np
from torch import Tensor

_BYTES = 16  # of a digest
_PIECE = 2**20  # bytes read at a time
_NAMED = 3  # classes that a line names


@dataclass(frozen=True)
class Fingerprint:
    """The same for the same images in the same order, on any machine and wherever they lie.

    shape: (C, H, W) of the images as they are used. labels: digest of them, as indices of `classes`.
    contents: digest of what was read, before anything was decoded or resized: the bytes of the files, or
    the pixels of an array.
    """

    num_images: int
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    labels: str
    contents: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON and checkpoints hold it: numbers, texts and lists of them."""
        return asdict(self) | {"classes": list(self.classes), "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Fingerprint:
        """ValueError if this is no fingerprint."""
        try:
            channels, height, width = map(int, values["shape"])
            return cls(
                num_images=int(values["num_images"]),
                classes=tuple(map(str, values["classes"])),
                shape=(channels, height, width),
                labels=str(values["labels"]),
                contents=str(values["contents"]),
            )
        except (KeyError, TypeError, ValueError):
            raise ValueError("not the fingerprint of a data set") from None


def fingerprint(
    labels: Tensor, classes: Sequence[str], shape: tuple[int, int, int], contents: str
) -> Fingerprint:
    """labels: int64 [N] on the CPU. contents: one of the digests below."""
    order = labels.numpy().astype("<i8").tobytes()
    return Fingerprint(len(labels), tuple(classes), shape, _hash(order).hexdigest(), contents)


def digest_of_array(array: np.ndarray) -> str:
    """Of uint8 numbers, in the order of their indices."""
    assert array.dtype == np.uint8
    return _hash(np.ascontiguousarray(array).data).hexdigest()


def digest_of_file(stream: BinaryIO) -> bytes:
    """Of a file from where it stands to its end."""
    digest = _hash()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.digest()


def digest_of_files(digests: Iterable[bytes]) -> str:
    """Of files by their own digests, in the order of the images."""
    return _hash(b"".join(digests)).hexdigest()


def differences(then: Fingerprint, now: Fingerprint) -> list[str]:
    """What a user would say of the two: a few words each; empty if they are of the same data."""
    found = _of_classes(then.classes, now.classes)
    if then.num_images != now.num_images:
        found.append(f"{then.num_images:,} images then, {now.num_images:,} now")
    if then.shape != now.shape:
        found.append(f"images of {_size(then.shape)} then, of {_size(now.shape)} now")
    if found:
        return found  # of other images the labels and pixels say nothing more
    if then.labels != now.labels:
        found.append("the labels differ")
    if then.contents != now.contents:
        found.append("the images differ, or their order")
    return found


def _of_classes(then: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    new = [name for name in now if name not in set(then)]
    gone = [name for name in then if name not in set(now)]
    found = [
        f"{names_of_classes(names)} {_are(names)} {word}"
        for names, word in ((new, "new"), (gone, "gone"))
        if names
    ]
    return found or (["the classes are in another order"] if then != now else [])


def names_of_classes(names: list[str]) -> str:
    """ "class 'a'", "classes 'a', 'b', 'c' and 7 more"."""
    shown = ", ".join(map(repr, names[:_NAMED]))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{'class' if len(names) == 1 else 'classes'} {shown}{more}"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _size(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{height}x{width} pixels in {'grey' if channels == 1 else 'colour'}"


def _hash(data: Any = b"") -> Any:
    return hashlib.blake2b(data, digest_size=_BYTES, usedforsecurity=False)
