"""The run directory: what a run leaves behind, written so that a crash at any moment loses nothing.

Files that are replaced are written to a temporary file, fsynced and renamed; metrics are only ever
appended. Nothing is written through a link that somebody put there. Every OSError becomes a RunError of
one line, and so does what cannot be in a file that nastk wrote.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nastk.json_text import read_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CONFIG = "config.yaml"  # a directory with it is a run that can be continued
METRICS = "metrics.jsonl"
WEIGHTS = "weights.safetensors"  # of a trained network
_WAITING = ".begin.tmp"  # behind the name of a file that a run begins with, until config.yaml is there


SUMMARY = "summary.json"  # says that the run is finished, and so is written last


class RunError(ValueError):
    """The run directory cannot be used: in one line, what is wrong and what would be right."""


class Run:
    """A run directory that is open for writing, by this process alone until `close` or its end.

    last_logged: the `step` of the last line of metrics.jsonl, or -1. A resumed run goes through
    steps that were logged but not yet in a checkpoint a second time; their lines are already there
    (the same, since resuming is exact) and are not appended again.

    A new directory that is closed before `begin` has given it its config.yaml holds nothing to continue:
    what was made is taken away again, so that the same command can be given once more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_logged = -1
        self._lock: int | None = None
        self._made = False  # the directory, by this process

    @classmethod
    def create(cls, path: Path, *, numbered: bool = False) -> Run:
        """A new run directory; RunError if there is something in it already.

        numbered: take `path`-2, `path`-3, ... instead of a path that there is already.
        """
        if not numbered:
            cls.check_new(path)
        run, number = cls(path), 1
        with _explained(path):
            while True:
                try:
                    run.path.mkdir(parents=True)
                    run._made = True
                    break
                except FileExistsError:
                    if not numbered:
                        break
                number += 1
                run.path = path.with_name(f"{path.name}-{number}")
        run._take()
        try:
            cls.check_new(run.path)
            with _explained(run.path):
                for waiting in run._waiting():  # of a process that was killed
                    waiting.unlink()
        except RunError:
            run.close()
            raise
        return run

    @staticmethod
    def check_new(path: Path) -> None:
        """RunError if `path` cannot become a new run directory; makes nothing."""
        with _explained(path):
            existing = path
            while not existing.exists():
                existing = existing.parent
            if not existing.is_dir():
                raise RunError(f"{existing} is a file; --run-dir needs a new or empty directory")
            if existing == path and not all(map(_is_leftover, os.listdir(path))):
                resumable = (path / CONFIG).is_file()
                hint = f", or continue that run: --resume {path}" if resumable else ""
                raise RunError(f"{path} is not empty; choose another --run-dir{hint}")
            if not os.access(existing, os.W_OK | os.X_OK):
                raise RunError(f"{existing}: no permission to write there")

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run directory of an earlier run; a torn last line of its metrics is taken away."""
        with _explained(path):
            if not path.exists():
                raise RunError(f"{path} does not exist")
            if not (path / CONFIG).is_file():
                raise RunError(
                    f"{path} is no run directory (it has no config.yaml); a run that was stopped before it "
                    "began to train is started anew"
                )
        run = cls(path)
        run._take()
        try:
            with _explained(path):
                run._settle()
                run._repair_metrics()
        except RunError:
            run.close()
            raise
        return run

    def close(self) -> None:
        """Let other processes have the directory."""
        if not self.has(CONFIG):
            with suppress(OSError):
                for waiting in self._waiting():
                    waiting.unlink()
                if self._made:
                    self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> None:
        """Keep other processes out; the system lets go of the directory however this one ends."""
        if fcntl is None:
            return
        with _explained(self.path):
            descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise RunError(f"{self.path} is in use by another nastk") from None
        except OSError:  # some network file systems have no locks
            os.close(descriptor)
        else:
            self._lock = descriptor

    def in_use(self) -> bool:
        """Whether a process holds the directory just now; False where the system cannot tell."""
        if fcntl is None:
            return False
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
        return False

    def begin(self, config: str, files: Mapping[str, str]) -> None:
        """Write config.yaml and the texts of the files that a new run begins with: all of them or none.

        Also where the process is killed: until config.yaml is there the others have hidden names, which do not make
        the directory a full one; afterwards they get their own, at the latest when the run is opened again.
        """
        for name, text in files.items():
            self.write_text(f".{name}{_WAITING}", text)
        self.write_text(CONFIG, config)
        with _explained(self.path):
            self._settle()

    def _waiting(self) -> list[Path]:
        """The files of `begin` that do not have their names yet."""
        return list(self.path.glob(f".*{_WAITING}"))

    def _settle(self) -> None:
        for waiting in self._waiting():
            os.replace(waiting, waiting.with_name(waiting.name[1:].removesuffix(_WAITING)))

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def read_text(self, name: str) -> str:
        return read_text(self.path / name)

    def write_text(self, name: str, text: str) -> None:
        with self.replacing(name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_json(self, name: str, content: Any) -> None:
        self.write_text(name, json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n")

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """A temporary file to write; on success it replaces `name` for good, on failure nothing changes."""
        with _explained(self.path / name):
            temporary = self.path / f".{name}.tmp"
            try:
                make_anew(temporary)
                yield temporary
                with open(temporary, "rb+") as written:
                    os.fsync(written.fileno())
                os.replace(temporary, self.path / name)
            finally:
                temporary.unlink(missing_ok=True)
            _fsync_directory(self.path)

    def append_metrics(self, step: int, metrics: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl, unless that step has its line already."""
        if step <= self.last_logged:
            return
        with _explained(self.path / METRICS), open(self.path / METRICS, "a", encoding="utf-8") as file:
            file.write(json.dumps(jsonable({"step": step} | metrics), allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.last_logged = step

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, without a torn last one; RunError for one that is damaged."""
        if not self.has(METRICS):
            return []
        rows = []
        for number, line in enumerate(self.read_text(METRICS).split("\n")[:-1], start=1):
            try:
                rows.append(metrics_line(line))
            except ValueError as error:
                raise RunError(f"{self.path / METRICS}: line {number}: {error}") from None
        return rows

    def _repair_metrics(self) -> None:
        path = self.path / METRICS
        if not os.path.lexists(path):
            return
        if path.is_symlink() or not path.is_file():
            raise RunError(f"{path}: not a file of this run; take it away to resume")
        content = path.read_bytes()
        *lines, torn = content.split(b"\n")
        try:
            self.last_logged = metrics_line(lines[-1].decode())["step"] if lines else -1
        except ValueError:
            raise RunError(f"{path}: the last line is damaged; remove it to resume") from None
        if torn:
            os.truncate(path, len(content) - len(torn))


def make_anew(path: Path) -> None:
    """An empty file of our own at `path`, whatever had the name: a link there is not followed.

    An OSError where that is a directory.
    """
    path.unlink(missing_ok=True)
    path.touch(exist_ok=False)  # exclusively, and so never through a link


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, in place of an earlier one; an OSError leaves that as it is."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_anew(temporary)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def read_text(path: Path) -> str:
    """The text of a file; RunError if there is none."""
    with _explained(path):
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise RunError(f"{path}: not UTF-8 text") from None


def read_json_file(path: Path) -> Any:
    """The content of a JSON file that a run wrote; RunError if it has none."""
    text = read_text(path)
    try:
        return read_json(text)
    except ValueError as error:
        raise RunError(f"{path}: {error}") from None


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file that a run wrote; RunError if it has none."""
    content = read_json_file(path)
    if not isinstance(content, dict):
        raise RunError(f"{path}: no JSON object")
    return content


def metrics_line(line: str) -> dict[str, Any]:
    """The figures of a step, a line of metrics.jsonl; ValueError for another text."""
    content = read_json(line)
    if not isinstance(content, dict) or type(content.get("step")) is not int or content["step"] < 0:
        raise ValueError("not the figures of a step")
    return content


def _is_leftover(name: str) -> bool:
    """Whether a file is a temporary one that a process left which was killed."""
    return re.fullmatch(r"\..+\.tmp", name) is not None


def jsonable(content: Any) -> Any:
    """`content` with null for every number that is not finite: JSON has no NaN."""
    if isinstance(content, dict):
        return {name: jsonable(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [jsonable(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{error.filename or path}: {error.strerror or error}") from None


def _fsync_directory(path: Path) -> None:
    """Make a rename durable; not every platform lets a directory be opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
