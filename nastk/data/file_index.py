"""What was read of the files of a place, kept from run to run.

A file's record is used while its size and its times are as they were, and a file that changed so lately that another
change might not show in its times has none yet; nor has one that cannot be read.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from nastk.data.file_records import HEADERS, RECORD, Kept, same_files
from nastk.data.index_file import index_folder, read_index, write_index
from nastk.data.listing import Listing
from nastk.data.processes import reading_by
from nastk.data.reading import Unreadable
from nastk.schema import DataConfig

SETTLED = 2 * 10**9  # ns, of which even coarse clocks of file systems count one
PIECE = 10_000  # files: an interrupt loses what was read of so many

T = TypeVar("T")


@contextmanager
def file_index(listing: Listing, paths: Sequence[str], config: DataConfig) -> Iterator[FileIndex]:
    """The index of the listed files of which `paths` will be read. However the block ends, what was read in it is
    kept."""
    index = FileIndex(_file_of(listing.place, config, len(paths)), _names(listing.place, paths), paths)
    try:
        yield index
    finally:
        index.keep(within=listing)


class FileIndex:
    """The records of files, in memory. file: where they are kept; None: they are not."""

    def __init__(self, file: Path | None, names: Sequence[str], paths: Sequence[str]) -> None:
        self._file = file
        self._names = names
        self._rows = {path: row for row, path in enumerate(paths)}
        self._records = np.zeros(len(paths), RECORD)
        self._settled = np.zeros(len(paths), bool)
        self._is_new = False
        if file is not None:
            self._look_at(paths)
            self._take_over(*read_index(file))

    def attempt(
        self,
        kept: Kept[T],
        read: Callable[[str], T],
        paths: Sequence[str],
        threads: int,
        *,
        enough: int | None = None,
    ) -> list[T | Unreadable]:
        """What `attempt_all` returns, for which those files alone are read of which it is not known; of many, `read`
        and what it returns are pickled.

        Where their headers are kept, too, those were asked for before.
        """
        rows = np.fromiter((self._rows[path] for path in paths), np.int64, len(paths))
        known = kept.known(self._records[rows])
        results: dict[int, T | Unreadable] = dict(
            zip(np.flatnonzero(known).tolist(), kept.get(self._records[rows[known]]), strict=True)
        )
        unknown = np.flatnonzero(~known).tolist()
        failures = 0
        with reading_by(threads, len(unknown)) as attempt:
            for start in range(0, len(unknown), PIECE):
                piece = unknown[start : start + PIECE]
                left = None if enough is None else enough - failures
                attempted = attempt(read, [paths[number] for number in piece], threads, enough=left)
                for number, result in zip(piece, attempted, strict=False):
                    results[number] = result
                    if isinstance(result, Unreadable):
                        failures += 1
                    elif self._settled[rows[number]]:
                        kept.put(self._records[rows[number]], result)
                        self._is_new = True
                if failures == enough:
                    return [results[number] for number in range(piece[len(attempted) - 1] + 1)]
        return [results[number] for number in range(len(paths))]

    def keep(self, within: Listing) -> None:
        """Write what is new, beside the records that are there of other files of the listing."""
        if self._file is None or not self._is_new:
            return
        ours = HEADERS.known(self._records)
        names = [name for name, is_known in zip(self._names, ours.tolist(), strict=True) if is_known]
        others, records = read_index(self._file)  # as another run may have left it meanwhile
        listed = set(_names(within.place, within.paths)).difference(self._names)
        of_others = [number for number, name in enumerate(others) if name in listed]
        names += [others[number] for number in of_others]
        write_index(self._file, names, np.concatenate([self._records[ours], records[of_others]]))

    def _look_at(self, paths: Sequence[str]) -> None:
        """The sizes and times of the files as they are, before any is read."""
        now = time.time_ns()
        found = np.array([_size_and_times(path) for path in paths], np.int64).reshape(-1, 3)
        for number, name in enumerate(("size", "modified", "changed")):
            self._records[name] = found[:, number]
        self._settled = (found[:, 0] >= 0) & (found[:, 2] < now - SETTLED)

    def _take_over(self, names: Sequence[str], records: np.ndarray) -> None:
        row_of = {name: row for row, name in enumerate(names)}
        pairs = [(row, row_of[name]) for row, name in enumerate(self._names) if name in row_of]
        rows, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
        same = same_files(self._records[rows], records[theirs])
        self._records[rows[same]] = records[theirs[same]]


def _file_of(place: Path, config: DataConfig, num_files: int) -> Path | None:
    folder = index_folder(config, num_files)
    name = os.fsencode(os.path.abspath(place))
    digest = hashlib.blake2b(name, digest_size=16, usedforsecurity=False).hexdigest()
    return None if folder is None else folder / f"{digest}.npz"


def _names(place: Path, paths: Sequence[str]) -> list[str]:
    """The paths as seen from the place, whatever directory is the current one."""
    base = os.path.join(place if os.path.isdir(place) else place.parent, "")
    whole = os.path.join(os.path.abspath(base), "")
    return [
        path[len(base) :] if path.startswith(base) else os.path.abspath(path).removeprefix(whole)
        for path in paths
    ]


def _size_and_times(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return -1, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
