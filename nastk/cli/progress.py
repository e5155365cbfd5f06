"""What a person sees while a job runs: a live table on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from nastk.cli.live_table import LiveTable, figure, single
from nastk.engine.progress import Progress

PLAIN_EVERY_S = 10.0
REDRAWN_EVERY_S = 0.5


class TerminalProgress(Progress):
    """Shows the metrics of each step and the time left, on `console` (stderr unless another is given).

    plain, or a console that is no terminal: plain lines, at most one every PLAIN_EVERY_S seconds.
    quiet: nothing, but why a run has stopped.
    """

    def __init__(self, console: Console | None = None, *, plain: bool = False, quiet: bool = False) -> None:
        self.console = console = console or Console(stderr=True)
        self.quiet = quiet
        self.live = not plain and not quiet and console.is_terminal
        self._table: LiveTable | None = None
        self._num_steps = 0
        self._first_step = 0
        self._started = 0.0
        self._last_line = 0.0

    @contextmanager
    def showing(self, num_steps: int, first_step: int) -> Iterator[None]:
        self._num_steps, self._first_step = num_steps, first_step
        self._started = self._last_line = time.monotonic()
        if not self.live:
            yield
            return
        self._table = LiveTable(num_steps, first_step)
        # Redrawn by a thread of its own: something moves however long a step takes.
        with Live(
            console=self.console, get_renderable=self._display, refresh_per_second=1 / REDRAWN_EVERY_S
        ) as live:
            self._live = live
            yield

    def update(self, step: int, metrics: dict[str, Any]) -> None:
        if self._table is not None:
            self._table.add(step, metrics, self._left(step))
            self._live.refresh()
        elif step == self._num_steps or time.monotonic() - self._last_line >= PLAIN_EVERY_S:
            self._last_line = time.monotonic()
            figures = "  ".join(f"{name} {figure(value)}" for name, value in single(metrics).items())
            self.note(f"step {step}/{self._num_steps}  {figures}  left {self._left(step)}")

    def note(self, text: str) -> None:
        """A line for the user, above the table."""
        if not self.quiet:
            self.stopped(text)

    def stopped(self, text: str) -> None:
        """As a note. On a terminal no word is broken, and one that is too long stands alone, for copying."""
        if self.console.is_terminal:
            width = self.console.width
            text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
        self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def _display(self) -> RenderableType:
        assert self._table is not None
        return self._table.shown(self.console.width, _words(time.monotonic() - self._started))

    def _left(self, step: int) -> str:
        """The time left if the steps to come take as long as those of this sitting."""
        done = step - self._first_step
        return _words((time.monotonic() - self._started) / done * (self._num_steps - step))


def _words(seconds: float) -> str:
    minutes, hours = int(seconds) // 60, int(seconds) // 3600
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min {int(seconds) % 60:02d} s"
