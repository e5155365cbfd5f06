"""An .npz file from a stranger: nothing is unpickled, and every fault of it is one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np


@contextmanager
def open_npz(path: Path, place: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The file, whose arrays are read when asked for; `place` is how messages name it.

    ValueError if it cannot be read or is no .npz.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ValueError(f"{place}: {(error.strerror or str(error)).lower()}") from None
    with stream, _opened(stream, place) as file:
        yield file


def read_array(file: np.lib.npyio.NpzFile, name: str, place: str) -> np.ndarray:
    """The array called `name`; ValueError if it is damaged, too large or made of Python objects."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns where it has to guess at a header
            array = file[name]
    except MemoryError:
        raise ValueError(f"{place}: {name} is too large for this machine's memory, or damaged") from None
    except Exception as error:  # numpy and zipfile raise many types on foreign bytes
        if "allow_pickle" in str(error):
            raise ValueError(f"{place}: {name} holds pickled objects, which nastk never loads") from None
        raise ValueError(f"{place}: {name} cannot be read, the file is damaged or truncated") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{place}: {name} is no array")
    return array


def _opened(stream: BinaryIO, place: str) -> np.lib.npyio.NpzFile:
    """Given a path, numpy forgets to close broken files."""
    if not stream.read(1):
        raise ValueError(f"{place}: 0 bytes")
    stream.seek(0)
    try:
        opened = np.load(stream, allow_pickle=False)
    except Exception:  # numpy and zipfile raise many types on foreign bytes
        opened = None
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise ValueError(f"{place}: not an .npz file, or a truncated one")
    return opened
