"""A result beside its run directory, where no earlier one is ever lost."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

from nastk.engine.progress import Progress
from nastk.run import RunError, make_anew


class NotCopied(RunError):
    """The result could not be written beside its run directory; it is in `path` all the same."""

    def __init__(self, error: RunError, path: Path) -> None:
        super().__init__(f"{error} (the genotype is in {path})")
        self.path = path


def write_result_file(path: Path, content: str | bytes, progress: Progress) -> None:
    """Write `path`; a different file already there is first renamed name.1, name.2, ...: nothing is lost.

    Not even where several runs end at the same moment.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_anew(temporary)
        temporary.write_bytes(data)
        while not _put(temporary, path):
            if _holds(path, data):
                break
            kept = _keep(path)
            if kept is not None:
                progress.note(f"kept the earlier {path} as {kept}")
    except OSError as error:
        place = path if path.parent != Path() else f"./{path}"
        raise RunError(f"{place}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file has these bytes; not, if another run has just taken it away."""
    try:
        return path.is_file() and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _put(source: Path, path: Path) -> bool:
    """Give `source` the name `path`, unless that is taken."""
    try:
        os.link(source, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        os.replace(source, path)
    return True


def _keep(path: Path) -> Path | None:
    """Rename `path` to the first free of name.1, name.2, ...; None if it has gone meanwhile."""
    for number in itertools.count(1):
        kept = path.with_name(f"{path.stem}.{number}{path.suffix}")
        try:
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL))  # so that the number is ours
            break
        except FileExistsError:
            continue
    try:
        os.replace(path, kept)
    except OSError as error:
        kept.unlink()
        if not isinstance(error, FileNotFoundError):
            raise
        return None
    return kept
