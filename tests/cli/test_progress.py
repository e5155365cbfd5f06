"""What a person sees: plain lines, or a live table on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from nastk.cli import progress
from nastk.cli.progress import TerminalProgress

METRICS = {"phase": "search", "time_s": 3.2, "loss": 0.123456, "fast": 3, "list": [1, 2], "big": 1234567.0}


class _Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def _plain() -> tuple[TerminalProgress, io.StringIO]:
    stream = io.StringIO()
    return TerminalProgress(Console(file=stream, width=40), quiet=False), stream


def test_plain_lines(clock):
    """The first after ten seconds, then at most one in ten, and the last step's always."""
    shown, stream = _plain()
    with shown.showing(100, 0):
        for step in range(1, 101):
            clock.now += 1.5
            shown.update(step, METRICS)
    lines = stream.getvalue().splitlines()
    assert [int(line.split("/")[0].removeprefix("step ")) for line in lines] == [*range(7, 101, 7), 100]
    assert lines[0] == "step 7/100  phase search  loss 0.1235  fast 3  big 1.235e+06  left 2 min 19 s"
    assert lines[-1].endswith("left 0 min 00 s")


def test_time_left_of_a_resumed_run(clock):
    """By the steps of this sitting alone: 2 in 20 s, so 60 take 10 min."""
    shown, stream = _plain()
    with shown.showing(100, 38):
        clock.now += 10
        shown.update(39, {"phase": "a"})
        clock.now += 10
        shown.update(40, {"phase": "a"})
    assert stream.getvalue().splitlines()[-1] == "step 40/100  phase a  left 10 min 00 s"


def test_hours_left(clock):
    shown, stream = _plain()
    with shown.showing(3, 0):
        clock.now += 3700
        shown.update(1, {"phase": "a"})
    assert stream.getvalue() == "step 1/3  phase a  left 2 h 03 min\n"


def test_nothing_is_taken_for_markup(clock):
    shown, stream = _plain()
    with shown.showing(1, 0):
        shown.update(1, {"phase": "[bold]x[/] :smile:"})
    assert "phase [bold]x[/] :smile:" in stream.getvalue()
    console, stream = _terminal()
    shown = TerminalProgress(console, quiet=False)
    with shown.showing(1, 0):
        shown.update(1, {"phase": "[bold]x[/] :smile:"})
    assert "[bold]x[/] :smile:" in stream.getvalue()


def _terminal() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=100, height=40, color_system=None), stream


def test_terminal(clock):
    """A table of the last steps, redrawn at each."""
    console, stream = _terminal()
    shown = TerminalProgress(console, quiet=False)
    with shown.showing(20, 0):
        for step in range(1, 16):
            clock.now += 1
            shown.update(step, METRICS | {"late": 1} if step > 13 else METRICS)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = text[text.rindex("step 15 of 20, 0 min 05 s left") :]
    rows = [
        line.split() for line in last.replace("│", " ").replace("┃", " ").splitlines() if "search" in line
    ]
    assert [int(row[0]) for row in rows] == list(range(4, 16))
    assert "late" in last and "time_s" not in last and "list" not in last


def test_whole_columns_of_the_present_phase_only(clock):
    """What does not fit is left out, not cut; what comes behind it may fit."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=46, height=40, color_system=None)
    shown = TerminalProgress(console, quiet=False)
    with shown.showing(3, 0):
        shown.update(1, {"phase": "train", "train_loss": 1.0})
        shown.update(2, {"phase": "score", "validation_loss": 0.25, "long" * 9: 1.5, "lr": 0.125})
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = text[text.rindex("step 2 of 3") :].splitlines()
    assert last[2].replace("┃", " ").split() == ["step", "phase", "validation_loss", "lr"]
    assert [row.replace("│", " ").split() for row in last if "score" in row] == [
        ["2", "score", "0.25", "0.125"]
    ]
    assert "…" not in text and max(map(len, last)) <= 46


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_and_pipes(quiet, clock):
    """No control codes with --quiet, nor without a terminal."""
    console, stream = _terminal() if quiet else (Console(file=(pipe := io.StringIO())), pipe)
    shown = TerminalProgress(console, quiet=quiet)
    assert shown.live is None
    with shown.showing(1, 0):
        shown.update(1, METRICS)
    assert (
        stream.getvalue() == "step 1/1  phase search  loss 0.1235  fast 3  big 1.235e+06  left 0 min 00 s\n"
    )


def test_an_error_leaves_the_terminal_in_order(clock):
    """The cursor is shown again."""
    console, stream = _terminal()
    shown = TerminalProgress(console, quiet=False)
    with pytest.raises(RuntimeError), shown.showing(2, 0):
        shown.update(1, METRICS)
        raise RuntimeError
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")
