"""An .npz file from a stranger: nothing is unpickled, and every fault of it is one line.

What an array promises to be is read before the array is: a few megabytes may unpack to any number.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from nastk.data.files import open_file, reason_of
from nastk.data.memory import check_fits

T = TypeVar("T")


class _PickledError(Exception):
    """An array of Python objects, which numpy would unpickle."""


@dataclass(frozen=True)
class ArrayHeader:
    """What a file says of an array."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)


@contextmanager
def open_npz(path: Path, place: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The file, whose arrays are read when asked for; `place` is how messages name it.

    ValueError if it cannot be read or is no .npz.
    """
    try:
        stream = open_file(path)
    except OSError as error:
        raise ValueError(f"{place}: {reason_of(error)}") from None
    with stream, _opened(stream, place) as file:
        yield file


def read_header(file: np.lib.npyio.NpzFile, name: str, place: str) -> ArrayHeader:
    """What the array called `name` promises to be; ValueError if it is damaged or made of Python objects."""
    return _of_stranger(lambda: _header(file, name), name, place)


def read_array(file: np.lib.npyio.NpzFile, name: str, place: str) -> np.ndarray:
    """The array called `name`; ValueError if it is damaged, too large or made of Python objects."""
    header = read_header(file, name, place)
    check_fits(header.nbytes, f"{place}: {name}")
    return _of_stranger(lambda: _array(file, name, header), name, place)


def _header(file: np.lib.npyio.NpzFile, name: str) -> ArrayHeader:
    archive, member = _member(file, name)
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(stream)
        held = member.file_size - stream.tell()
    header = ArrayHeader(dtype, shape)
    if dtype.hasobject:
        raise _PickledError
    if min(shape, default=0) < 0 or max(dtype.itemsize, 1) * math.prod(shape) > held:
        raise ValueError("promises more than it holds")
    return header


def _array(file: np.lib.npyio.NpzFile, name: str, header: ArrayHeader) -> np.ndarray:
    archive, member = _member(file, name)
    with archive.open(member) as stream:
        array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    if (array.dtype, array.shape) != (header.dtype, header.shape):
        raise ValueError("not what it promises to be")
    return array


def _member(file: np.lib.npyio.NpzFile, name: str) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    """numpy calls an array by its member's name, which need not end in .npy."""
    archive = file.zip
    assert archive is not None
    return archive, archive.getinfo(name if name in archive.NameToInfo else f"{name}.npy")


def _of_stranger(read: Callable[[], T], name: str, place: str) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns where it has to guess at a header
            return read()
    except MemoryError:
        raise ValueError(f"{place}: {name} is too large for this machine's memory, or damaged") from None
    except _PickledError:
        raise ValueError(f"{place}: {name} holds pickled objects, which nastk never loads") from None
    except Exception:  # numpy and zipfile raise many types on foreign bytes
        raise ValueError(f"{place}: {name} cannot be read, the file is damaged or truncated") from None


def _opened(stream: BinaryIO, place: str) -> np.lib.npyio.NpzFile:
    start = stream.read(2)
    if not start:
        raise ValueError(f"{place}: 0 bytes")
    stream.seek(0)
    opened = None
    if start == b"PK":  # anything else numpy would read to its end
        with suppress(Exception):  # numpy and zipfile raise many types on foreign bytes
            opened = np.load(stream, allow_pickle=False)  # given a path, it forgets to close broken files
    if not isinstance(opened, np.lib.npyio.NpzFile):
        raise ValueError(f"{place}: not an .npz file, or a truncated one")
    return opened
