"""Files of strangers: named on one line, and opened only if they are files."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

_SHOWN = 200  # characters of a path
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def printable(path: str | os.PathLike[str]) -> str:
    """The path on one line that any terminal takes; of a very long one the beginning and the end."""
    text = os.fspath(path).encode(errors="backslashreplace").decode()
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 2 :]}"


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """The file, to be read; OSError for what is no file, because reading a pipe would wait for ever."""
    mode = os.stat(path).st_mode
    for is_one, kind in _KINDS:
        if is_one(mode):
            raise OSError(errno.EINVAL, f"{kind}, not a file", path)
    return open(path, "rb")


def reason_of(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether there is anything of this name, be it a pipe; OSError if that cannot be told.

    A name that no system takes (too long, a null byte) is the name of nothing.
    """
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise
    return True


def read_bytes(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """A file's contents; ValueError, in one line, for what cannot be read or has more than `most` bytes."""
    try:
        with open_file(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if most is not None and size > most:
                raise ValueError(f"{printable(path)} has {size:,} bytes, where at most {most:,} are read")
            return stream.read()
    except OSError as error:
        raise ValueError(f"{printable(path)}: {reason_of(error)}") from None


def read_text(path: str | os.PathLike[str], most: int | None = None) -> str:
    """A file's text, as `read_bytes`; ValueError, too, for what is not in UTF-8."""
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{printable(path)} is no text in UTF-8 (save it as such)") from None
