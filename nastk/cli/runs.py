"""nastk list runs: the runs in a directory, as a table that fits a terminal of 80 columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk.cli.options import say
from nastk.report.axis import short

if TYPE_CHECKING:
    from nastk.workflows.runs import RunLine

WIDTH = 80
HEADS = ("command", "cell, method", "data", "state", "score", "acc. %", "params", "min")
SHRINK = (1, 2)  # the columns that become narrower where a row is too long
NUM_TEXTS = 4  # columns at the left; the others are numbers


def list_runs(folder: Path | None, as_json: bool) -> None:
    """The runs in `folder`, the oldest first, each with its directory below."""
    from nastk.workflows.runs import HOME, runs_in

    found = runs_in(folder or HOME) if folder is not None or HOME.is_dir() else []
    if as_json:
        click.echo(json.dumps([line.to_json() for line in found], indent=2))
        return
    if not found:
        say(f"no runs in {folder or HOME}")
        return
    rows = [_cells(line) for line in found]
    widths = _widths([HEADS, *rows])
    click.echo(_row(HEADS, widths))
    for line, cells in zip(found, rows, strict=True):
        click.echo(_row(cells, widths))
        click.echo(f"  {line.path}" + (f": {line.fault}" if line.fault else ""))


def _cells(line: RunLine) -> tuple[str, ...]:
    state = line.state
    if state is None:
        return ("", "", "", "damaged", "", "", "", "")
    steps = f" {state.steps}" if state.steps and not state.finished else ""
    of = f"/{state.num_steps}" if steps and state.num_steps is not None else ""
    return (
        line.command,
        line.about,
        Path(line.dataset).name,
        f"{state.word}{steps}{of}",
        "" if line.score is None else f"{line.score:.4g}",
        "" if line.accuracy is None else f"{line.accuracy:.2f}",
        "" if line.params is None else short(float(f"{line.params:.3g}")),
        "" if line.time_s is None else f"{line.time_s / 60:.1f}",
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Of the columns, those of names being as wide as the others leave them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        widest = max(SHRINK, key=widths.__getitem__)
        if widths[widest] == 1:
            break
        widths[widest] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        text if len(text) <= width else text[: width - 1] + "\u2026"
        for text, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(
        text.ljust(width) if place < NUM_TEXTS else text.rjust(width)
        for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    ).rstrip()
