"""What a person sees while a job runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nastk.engine.progress import Progress

LIVE_ROWS = 12
PLAIN_EVERY_S = 10.0


class TerminalProgress(Progress):
    """Shows the metrics of each step and the time left, on `console` (stderr unless another is given).

    quiet, or a console that is no terminal: plain lines, at most one every PLAIN_EVERY_S seconds.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool) -> None:
        self.console = console = console or Console(stderr=True)
        self.live: Live | None = (
            None if quiet or not console.is_terminal else Live(console=console, auto_refresh=False)
        )
        self._rows: list[tuple[int, dict[str, Any]]] = []
        self._num_steps = 0
        self._first_step = 0
        self._started = 0.0
        self._last_line = 0.0

    @contextmanager
    def showing(self, num_steps: int, first_step: int) -> Iterator[None]:
        self._num_steps, self._first_step = num_steps, first_step
        self._started = self._last_line = time.monotonic()
        if self.live is None:
            yield
            return
        with self.live:
            yield

    def update(self, step: int, metrics: dict[str, Any]) -> None:
        self._rows = [*self._rows[-(LIVE_ROWS - 1) :], (step, metrics)]
        if self.live is not None:
            self.live.update(self._table(), refresh=True)
        elif step == self._num_steps or time.monotonic() - self._last_line >= PLAIN_EVERY_S:
            self._last_line = time.monotonic()
            figures = "  ".join(f"{name} {_figure(value)}" for name, value in _shown(metrics).items())
            line = f"step {step}/{self._num_steps}  {figures}  left {self._left(step)}"
            self.note(line)

    def note(self, text: str) -> None:
        """A line for the user, above the table."""
        self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        """The last steps with the figures of the present phase, as many whole ones as the terminal has room for."""
        step = self._rows[-1][0]
        columns, room = [], self.console.width - _width("step", [str(number) for number, _ in self._rows]) - 1
        for name in _shown(self._rows[-1][1]):
            width = _width(name, [_figure(metrics.get(name, "")) for _, metrics in self._rows])
            if width <= room:
                columns.append(name)
                room -= width
        table = Table(
            title=f"step {step} of {self._num_steps}, {self._left(step)} left", title_justify="left"
        )
        table.add_column("step", justify="right")
        for name in columns:
            table.add_column(name, justify="right")
        for number, metrics in self._rows:
            table.add_row(str(number), *(Text(_figure(metrics.get(name, ""))) for name in columns))
        return table

    def _left(self, step: int) -> str:
        """The time left if the steps to come take as long as those of this sitting."""
        done = step - self._first_step
        seconds = (time.monotonic() - self._started) / done * (self._num_steps - step)
        minutes, hours = int(seconds) // 60, int(seconds) // 3600
        return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min {int(seconds) % 60:02d} s"


def _width(name: str, texts: list[str]) -> int:
    """Characters that a column of the table takes, with its rule and its padding."""
    return max(map(len, (name, *texts))) + 3


def _shown(metrics: dict[str, Any]) -> dict[str, Any]:
    """The single figures; lists are for the file."""
    return {
        name: value
        for name, value in metrics.items()
        if not isinstance(value, (list, dict)) and name != "time_s"
    }


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
