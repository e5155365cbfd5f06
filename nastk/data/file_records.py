"""A record of a file: when it was as it is, what its header says, and what was found when it was read whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np

from nastk.data.decoding import Header

_TIMES = ("size", "modified", "changed")  # bytes; ns
_SAID = ("grey", "deep", "halved", "preview")  # of a header, which is known where there is a height

# checked: channels of the form to which the file was found to decode; 0: that was not tried. contents: its digest
# then.
RECORD = np.dtype(
    [
        *((name, "<i8") for name in (*_TIMES, "height", "width")),
        *((name, "?") for name in _SAID),
        ("checked", "u1"),
        ("contents", "u1", 16),
    ]
)

T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Something that records hold. known: RECORD [N] -> bool [N]. get: of records that have it. put: into one."""

    known: Callable[[np.ndarray], np.ndarray]
    get: Callable[[np.ndarray], list[T]]
    put: Callable[[Any, T], None]


def same_files(records: np.ndarray, others: np.ndarray) -> np.ndarray:
    """bool [N]: of which the size and the times agree. records, others: RECORD [N]."""
    return np.logical_and.reduce([records[name] == others[name] for name in _TIMES])


def digests_of(channels: int) -> Kept[bytes]:
    """Of files that decode to so many channels."""

    def put(record: Any, digest: bytes) -> None:
        record["checked"] = channels
        record["contents"] = np.frombuffer(digest, np.uint8)

    return Kept(
        known=lambda records: records["checked"] == channels,
        get=lambda records: [row.tobytes() for row in records["contents"]],
        put=put,
    )


def _headers(records: np.ndarray) -> list[Header]:
    @cache  # most files of a set have few headers among them
    def header(height: int, width: int, *said: bool) -> Header:
        return Header((height, width), *said)

    return [header(*row) for row in records[["height", "width", *_SAID]].tolist()]


def _put_header(record: Any, header: Header) -> None:
    record["height"], record["width"] = header.size
    for name in _SAID:
        record[name] = getattr(header, name)


HEADERS = Kept(known=lambda records: records["height"] > 0, get=_headers, put=_put_header)
