"""The run directory: what a run leaves behind, written so that a crash at any moment loses nothing.

Files that are replaced are written to a temporary file, fsynced and renamed; metrics are only ever
appended. Every OSError becomes a RunError of one line.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


SUMMARY = "summary.json"  # says that the run is finished, and so is written last


class RunError(ValueError):
    """The run directory cannot be used: in one line, what is wrong and what would be right."""


class Run:
    """A run directory that is open for writing, by this process alone until `close` or its end.

    last_logged: the `step` of the last line of metrics.jsonl, or -1. A resumed run goes through
    steps that were logged but not yet in a checkpoint a second time; their lines are already there
    (the same, since resuming is exact) and are not appended again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_logged = -1
        self._lock: int | None = None

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
                    run.path.mkdir(parents=True, exist_ok=not numbered)
                    break
                except FileExistsError:
                    if not numbered:
                        raise
                number += 1
                run.path = path.with_name(f"{path.name}-{number}")
        run._take()
        try:
            cls.check_new(run.path)
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
            if existing == path and any(path.iterdir()):
                resumable = (path / "config.yaml").is_file()
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
            if not (path / "config.yaml").is_file():
                raise RunError(
                    f"{path} is no run directory (it has no config.yaml); a run that was stopped before it "
                    "began to train is started anew"
                )
        run = cls(path)
        run._take()
        try:
            with _explained(path):
                run._repair_metrics()
        except RunError:
            run.close()
            raise
        return run

    def close(self) -> None:
        """Let other processes have the directory."""
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

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def read_text(self, name: str) -> str:
        with _explained(self.path / name):
            return (self.path / name).read_text(encoding="utf-8")

    def write_text(self, name: str, text: str) -> None:
        with self.replacing(name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_json(self, name: str, content: Any) -> None:
        self.write_text(name, json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n")

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """A temporary path to write; on success it replaces `name` for good, on failure nothing changes."""
        with _explained(self.path / name):
            temporary = self.path / f".{name}.tmp"
            try:
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
        with (
            _explained(self.path / "metrics.jsonl"),
            open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(jsonable({"step": step} | metrics), allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.last_logged = step

    def read_metrics(self) -> list[dict[str, Any]]:
        if not self.has("metrics.jsonl"):
            return []
        return [json.loads(line) for line in self.read_text("metrics.jsonl").splitlines()]

    def _repair_metrics(self) -> None:
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return
        content = path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        if len(complete) < len(content):
            os.truncate(path, len(complete))
        lines = complete.splitlines()
        try:
            self.last_logged = int(json.loads(lines[-1])["step"]) if lines else -1
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{path}: the last line is damaged; remove it to resume") from None


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
