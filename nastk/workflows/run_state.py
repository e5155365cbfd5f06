"""How far a run is, from its files alone: without torch, and without reading all of its metrics."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nastk.run import METRICS, SUMMARY, Run, RunError, metrics_line

TAIL = 1 << 16  # bytes at the end of metrics.jsonl that are read first


@dataclass(frozen=True)
class RunState:
    """steps: done so far. num_steps: of the whole run, None where no step has said. time_s: of all sittings."""

    finished: bool
    running: bool
    steps: int = 0
    num_steps: int | None = None
    time_s: float | None = None

    @property
    def word(self) -> str:
        """ "finished", "running", "stopped", or "begun": before the first step."""
        if self.finished:
            return "finished"
        return "running" if self.running else "stopped" if self.steps else "begun"

    def __str__(self) -> str:
        """ "finished", "running, step 3 of 9", "stopped at step 3 of 9", "begun"."""
        if self.finished or not self.steps:
            return self.word
        of = f" of {self.num_steps}" if self.num_steps is not None else ""
        return f"{self.word}{',' if self.running else ' at'} step {self.steps}{of}"


def state_of(path: Path) -> RunState:
    """The state of the run in a directory; RunError for metrics that are damaged at their end."""
    run = Run(path)
    finished = run.has(SUMMARY)
    line = _last_line(path / METRICS) if run.has(METRICS) else None
    if line is None:
        return RunState(finished, not finished and run.in_use())
    try:
        row = metrics_line(line)
    except ValueError as error:
        raise RunError(f"{path / METRICS}: the last line: {error}") from None
    num_steps, time_s = row.get("num_steps"), row.get("time_s")
    return RunState(
        finished,
        not finished and run.in_use(),
        row["step"],
        num_steps if isinstance(num_steps, int) else None,
        float(time_s) if isinstance(time_s, (int, float)) else None,
    )


def _last_line(path: Path) -> str | None:
    """The last whole line; None if there is none."""
    size = TAIL
    try:
        with open(path, "rb") as file:
            length = file.seek(0, os.SEEK_END)
            while True:
                file.seek(max(0, length - size))
                whole = file.read().split(b"\n")[:-1]  # what is behind the last newline is torn
                if len(whole) > 1 or size >= length:
                    return whole[-1].decode() if whole else None
                size *= 8
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise RunError(f"{path}: not UTF-8 text") from None
