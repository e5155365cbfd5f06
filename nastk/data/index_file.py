"""Files that keep what was found out about images: they save work, and nothing depends on them.

One that is missing, damaged, or of another version of nastk or Pillow holds nothing; one that cannot be written is
not there the next time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL

from nastk.data.file_records import RECORD
from nastk.data.npz_file import open_npz, read_array
from nastk.data.places import data_root
from nastk.schema import DataConfig

FEWEST = 1000  # files that anything is kept of

_MADE_BY = f"records 1, Pillow {PIL.__version__}".encode()  # what they mean, and who read the headers


def read_index(file: Path) -> tuple[list[str], np.ndarray]:
    """The names of the files that there are records of, and RECORD [N] in their order."""
    with suppress(OSError, ValueError):
        place = os.fspath(file)
        with open_npz(file, place) as arrays:
            made_by, names, records = (
                read_array(arrays, name, place) for name in ("made_by", "names", "records")
            )
        found = os.fsdecode(names.tobytes()).split("\0")[:-1]
        if (made_by.tobytes(), records.dtype, records.shape) == (_MADE_BY, RECORD, (len(found),)):
            return found, records
    return [], np.zeros(0, RECORD)


def write_index(file: Path, names: Iterable[str], records: np.ndarray) -> None:
    """Whole or not at all, whoever reads or writes it meanwhile. names: without null bytes."""
    text = os.fsencode("".join(f"{name}\0" for name in names))
    made_by, encoded = np.frombuffer(_MADE_BY, np.uint8), np.frombuffer(text, np.uint8)
    write_whole(file, lambda stream: np.savez(stream, made_by=made_by, names=encoded, records=records))


def index_folder(config: DataConfig, num_files: int) -> Path | None:
    """Where it is kept what so many files are. None: nowhere, as of fewer files than are read in a second.

    It lies below the data directory, hidden, should images lie there, too.
    """
    if num_files < FEWEST:
        return None
    try:
        return data_root(config) / ".index"
    except ValueError:  # of no user
        return None


def write_whole(file: Path, write: Callable[[BinaryIO], object]) -> None:
    """The file as `write` writes it, or as it was before: on a full disk, say, or where nothing may be written."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.stem}-", dir=file.parent)
        try:
            with open(handle, "wb") as stream:
                write(stream)
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise
