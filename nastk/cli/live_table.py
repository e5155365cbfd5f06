"""What a terminal shows of a running job: how far it is, the best so far, the last steps as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

ROWS = 12
BAR = 60  # characters of the widest bar
ENDINGS = {"accuracy": 1.0, "loss": -1.0}  # figures that end so can be best: signs, larger being better

Row = tuple[int, dict[str, Any]]  # a step and its figures


class LiveTable:
    """The last ROWS steps, whatever their phases, and the best that this sitting has seen."""

    def __init__(self, num_steps: int, first_step: int) -> None:
        self.num_steps = num_steps
        self.step = first_step
        self.left = ""  # the time left, in words
        self._rows: tuple[Row, ...] = ()
        self._best: dict[str, tuple[float, int]] = {}  # name -> value, step
        self._spinner = Spinner("dots")

    def add(self, step: int, metrics: dict[str, Any], left: str) -> None:
        self.step, self.left = step, left
        for name, value in metrics.items():
            sign = next((sign for ending, sign in ENDINGS.items() if name.endswith(ending)), None)
            if sign is None or not isinstance(value, (int, float)) or not math.isfinite(value):
                continue
            if name not in self._best or sign * value > sign * self._best[name][0]:
                self._best = {**self._best, name: (value, step)}
        self._rows = (*self._rows[-(ROWS - 1) :], (step, metrics))

    def shown(self, width: int, waited: str) -> RenderableType:
        """As wide as `width` characters at most. waited: how long the first step has taken so far, in words."""
        rows = self._rows
        left = f", {self.left} left" if rows else f", the first takes {waited} so far"
        self._spinner.update(text=Text(f"step {self.step} of {self.num_steps}{left}"))
        whole = min(width, BAR)
        done = whole * self.step // max(self.num_steps, 1)
        bar = Text("\u2588" * done + "\u2591" * (whole - done))
        if not rows:
            return Group(self._spinner, bar)
        table, left_out = _table(rows, width)
        notes = [self._best_so_far(rows[-1][1])]
        notes += [f"not shown: {', '.join(left_out)}"] if left_out else []
        return Group(self._spinner, bar, table, *(Text(note) for note in notes if note))

    def _best_so_far(self, metrics: dict[str, Any]) -> str:
        """Of the present phase's accuracy, else its loss; not of what was measured in training, if there is more."""
        names = [
            name for ending in ENDINGS for name in metrics if name.endswith(ending) and name in self._best
        ]
        if not names:
            return ""
        name = min(names, key=lambda name: name.startswith("train"))
        value, step = self._best[name]
        return f"best so far: {name} {figure(value)} at step {step}"


def _table(rows: Sequence[Row], width: int) -> tuple[Table, list[str]]:
    """The steps with as many whole columns as there is room for, and the names of those left out.

    The present phase's come first, and of these accuracies and losses.
    """
    room = width - _width("step", [str(number) for number, _ in rows]) - 1
    names = dict.fromkeys(name for _, metrics in reversed(rows) for name in single(metrics))

    def urgency(name: str) -> tuple[bool, bool]:
        return name not in rows[-1][1], name != "phase" and not name.endswith(tuple(ENDINGS))

    kept = set()
    for name in sorted(names, key=urgency):
        needed = _width(name, [figure(metrics.get(name, "")) for _, metrics in rows])
        if needed <= room:
            kept.add(name)
            room -= needed
    columns, left_out = [name for name in names if name in kept], [name for name in names if name not in kept]
    table = Table()
    table.add_column("step", justify="right")
    for name in columns:
        table.add_column(Text(name), justify="right")
    for number, metrics in rows:
        table.add_row(str(number), *(Text(figure(metrics.get(name, ""))) for name in columns))
    return table, left_out


def _width(name: str, texts: list[str]) -> int:
    """Characters that a column of the table takes, with its rule and its padding."""
    return max(map(len, (name, *texts))) + 3


def single(metrics: dict[str, Any]) -> dict[str, Any]:
    """The single figures; lists are for the file."""
    return {
        name: value
        for name, value in metrics.items()
        if not isinstance(value, (list, dict)) and name != "time_s"
    }


def figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
