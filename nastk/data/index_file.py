"""The file of an index: it saves work, and nothing depends on it.

One that is missing, damaged, or of another version of nastk or Pillow holds nothing; one that cannot be written is
not there the next time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL

from nastk.data.file_records import RECORD
from nastk.data.npz_file import open_npz, read_array

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
    with suppress(OSError):  # a full disk, or a folder that may not be written
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{file.stem}-", dir=file.parent)
        try:
            with open(handle, "wb") as stream:
                np.savez(stream, made_by=made_by, names=encoded, records=records)
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise
