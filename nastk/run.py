"""The run directory: what a run leaves behind, written so that a crash at any moment loses nothing.

Files that are replaced are written to a temporary file, fsynced and renamed; metrics are only ever
appended. Every OSError becomes a RunError of one line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class RunError(ValueError):
    """The run directory cannot be used: in one line, what is wrong and what would be right."""


class Run:
    """A run directory that is open for writing.

    last_logged: the `step` of the last line of metrics.jsonl, or -1. A resumed run goes through
    steps that were logged but not yet in a checkpoint a second time; their lines are already there
    (the same, since resuming is exact) and are not appended again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_logged = -1

    @classmethod
    def create(cls, path: Path) -> Run:
        """A new run directory; RunError if there is something in it already."""
        cls.check_new(path)
        with _explained(path):
            path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    @staticmethod
    def check_new(path: Path) -> None:
        """RunError if `path` cannot become a new run directory; makes nothing."""
        with _explained(path):
            if path.exists() and not path.is_dir():
                raise RunError(f"{path} is a file; --run-dir needs a new or empty directory")
            if path.is_dir() and any(path.iterdir()):
                raise RunError(
                    f"{path} is not empty; choose another --run-dir, or continue that run: --resume {path}"
                )
            existing = path
            while not existing.exists():
                existing = existing.parent
            if not os.access(existing, os.W_OK | os.X_OK):
                raise RunError(f"{existing}: no permission to write there")

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run directory of an earlier run; a torn last line of its metrics is taken away."""
        if not (path / "config.yaml").is_file():
            raise RunError(f"{path} is no run directory (it has no config.yaml)")
        run = cls(path)
        with _explained(path):
            run._repair_metrics()
        return run

    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    def read_text(self, name: str) -> str:
        with _explained(self.path / name):
            return (self.path / name).read_text(encoding="utf-8")

    def write_text(self, name: str, text: str) -> None:
        with self.replacing(name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_json(self, name: str, content: Any) -> None:
        self.write_text(name, json.dumps(content, indent=2) + "\n")

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
            file.write(json.dumps({"step": step} | metrics) + "\n")
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
            self.last_logged = json.loads(lines[-1])["step"] if lines else -1
        except (ValueError, KeyError, TypeError):
            raise RunError(f"{path}: the last line is damaged; remove it to resume") from None


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
