"""A result beside its run directory, where no earlier one is ever lost."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nastk.engine.progress import Progress
from nastk.run import CONFIG, RunError, make_anew


class NotCopied(RunError):
    """The result could not be written beside its run directory; it is in `path` all the same."""

    def __init__(self, error: RunError, path: Path) -> None:
        super().__init__(f"{error} (the genotype is in {path})")
        self.path = path


def write_result_file(
    path: Path, content: str | bytes, progress: Progress, places: Sequence[Path] = ()
) -> None:
    """Write `path`; a different file already there is first renamed name.1, name.2, ...: nothing is lost.

    Not even where several runs end at the same moment. What is in a run directory in one of `places`, under the
    same name and to the byte, is not kept a second time.
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
            original = _original(kept, path.name, places) if kept is not None else None
            if kept is not None and original is not None:
                kept.unlink()
                progress.note(f"replaced the earlier {path}, which is {original}")
            elif kept is not None:
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


def _original(kept: Path, name: str, places: Sequence[Path]) -> Path | None:
    """The run's file whose copy `kept` is; None for a link, and for what no run in `places` has."""
    if kept.is_symlink() or not kept.is_file():
        return None
    content = kept.read_bytes()
    for place in places:
        for config in sorted(place.glob(f"*/{CONFIG}")):
            original = config.with_name(name)
            with suppress(OSError):
                if original.is_file() and not original.is_symlink() and original.read_bytes() == content:
                    return original
    return None


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
