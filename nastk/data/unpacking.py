"""A .zip of images, from a stranger: unpacked once, and nowhere but where it belongs.

It goes to a folder of its own that is called after what the archive says of its contents (names, sizes and
checksums), so that another archive of the same name is noticed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nastk.data.files import is_there, open_file, printable, reason_of
from nastk.data.parts import is_litter

_HARMLESS = 2**30  # bytes that any archive may unpack to,
_TIMES = 100  # and so many times its own size: images are compressed already
_ENCRYPTED = 1  # flag of a member
_SHOWN = 24  # characters of the archive's name that its folder has
_PIECE = 2**20  # bytes written at a time


@dataclass(frozen=True)
class _Member:
    info: zipfile.ZipInfo
    path: PurePosixPath  # below the folder


def unpacked(path: Path, root: Path) -> Path:
    """The folder below `root` that holds the archive's files, which it is unpacked to if there is none yet.

    ValueError, in one line, for what is no such archive, is damaged, would lead out of its folder, or unpacks
    to far more than it is; nothing is left of it then.
    """
    place = printable(path)
    try:
        with open_file(path) as stream, _opened(stream, place) as archive:
            size = os.fstat(stream.fileno()).st_size
            members = _members(archive, place)
            folder = root / f"{path.stem[:_SHOWN].strip()}-{_digest(members)}"
            if is_there(folder):
                _check_whole(folder, members, place)
            else:
                _check_size(members, size, root, place)
                _unpack(archive, members, folder, place)
    except OSError as error:
        where = printable(str(error.filename or path))
        raise ValueError(f"{place} cannot be unpacked: {where}: {reason_of(error)}") from None
    return folder


def _opened(stream: BinaryIO, place: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except Exception:  # zipfile raises many types on foreign bytes
        raise ValueError(f"{place} is no .zip, or a truncated one") from None


def _members(archive: zipfile.ZipFile, place: str) -> list[_Member]:
    """The files in it, without litter; ValueError for one that is not to be had."""
    members: dict[PurePosixPath, _Member] = {}
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")  # of some Windows programs
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\0" in name:
            raise ValueError(f"{place} holds a path that leads out of it: {printable(name)}")
        if name.endswith("/") or any(map(is_litter, path.parts)):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ValueError(f"{place} holds a link, {printable(name)}; pack the files themselves")
        if info.flag_bits & _ENCRYPTED:
            raise ValueError(f"{place} is encrypted; unpack it and name the folder")
        if path in members:
            raise ValueError(f"{place} holds {printable(name)} twice")
        members[path] = _Member(info, path)
    return list(members.values())


def _digest(members: Sequence[_Member]) -> str:
    """Of what the archive says of its files, in whatever order they stand in it."""
    said = sorted(f"{member.path} {member.info.file_size} {member.info.CRC}" for member in members)
    text = "\n".join(said).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=6, usedforsecurity=False).hexdigest()


def _check_size(members: Sequence[_Member], size: int, root: Path, place: str) -> None:
    """ValueError unless the files are as large as such an archive may have, and fit on the disk."""
    total = sum(member.info.file_size for member in members)
    if total > max(_HARMLESS, _TIMES * size):
        raise ValueError(
            f"{place} of {size:,} bytes would unpack to {total:,}; if that is meant, unpack it and name the folder"
        )
    there = next(folder for folder in (root, *root.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if total > free:
        raise ValueError(
            f"{place} unpacks to {total / 2**30:,.1f} GiB, and {printable(there)} has {free / 2**30:,.1f} GiB "
            "free; --data-dir or $NASTK_DATA says where else"
        )


def _unpack(archive: zipfile.ZipFile, members: Sequence[_Member], folder: Path, place: str) -> None:
    """All or nothing: the folder gets its name when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".nastk-unpack-", dir=folder.parent) as temporary:
        made = Path(temporary) / "files"
        made.mkdir()
        for member in members:
            target = made / member.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                for piece in _pieces(archive, member, place):
                    file.write(piece)
        with suppress(OSError):  # another run has unpacked it meanwhile
            made.rename(folder)
        if not folder.is_dir():
            made.rename(folder)  # and says why not


def _pieces(archive: zipfile.ZipFile, member: _Member, place: str) -> Iterator[bytes]:
    """A file's contents, no more of them than the archive says there are."""
    try:
        with archive.open(member.info) as source:
            while piece := source.read(_PIECE):
                yield piece
    except Exception as error:  # zipfile raises many types on foreign bytes
        why = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{place} is damaged: {printable(member.path)}: {why}") from None


def _check_whole(folder: Path, members: Sequence[_Member], place: str) -> None:
    for member in members:
        file = folder / member.path
        try:
            same = os.stat(file).st_size == member.info.file_size
        except (FileNotFoundError, NotADirectoryError):
            same = False
        if not same:
            raise ValueError(
                f"{place} was unpacked to {printable(folder)}, where {printable(member.path)} is no longer as it "
                "was; remove that folder"
            )
