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
    return TerminalProgress(Console(file=stream, width=40)), stream


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
    shown = TerminalProgress(console)
    with shown.showing(1, 0):
        shown.update(1, {"phase": "[bold]x[/] :smile:"})
    assert "[bold]x[/] :smile:" in stream.getvalue()


def _terminal() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=100, height=40, color_system=None), stream


def test_terminal(clock):
    """A table of the last steps, redrawn at each."""
    console, stream = _terminal()
    shown = TerminalProgress(console)
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


def _last_frame(stream: io.StringIO, begins: str) -> list[str]:
    """The lines of the last picture on the terminal, from the one that says `begins`."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "")
    return text[text.rindex(begins) :].splitlines()


def test_whole_columns(clock):
    """The present phase's first; what does not fit is left out and named, not cut; what comes behind it may fit."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=46, height=40, color_system=None)
    shown = TerminalProgress(console)
    with shown.showing(3, 0):
        shown.update(1, {"phase": "train", "train_loss": 1.0})
        shown.update(2, {"phase": "score", "validation_loss": 0.25, "long" * 9: 1.5, "lr": 0.125})
    last = _last_frame(stream, "step 2 of 3")
    rows = [row.replace("\u2502", " ").split() for row in last]
    heads = next(line for line in last if "phase" in line).replace("\u2503", " ").split()
    assert heads == ["step", "phase", "validation_loss", "lr"]
    assert ["1", "train"] in rows and ["2", "score", "0.25", "0.125"] in rows
    assert " ".join(" ".join(last).split()).endswith(f"not shown: {'long' * 9}, train_loss")
    assert last[1] == "\u2588" * 30 + "\u2591" * 16
    assert "\u2026" not in "".join(last) and max(map(len, last)) <= 46


def test_accuracies_and_losses_come_before_indices(clock):
    stream = io.StringIO()
    shown = TerminalProgress(Console(file=stream, force_terminal=True, width=40, color_system=None))
    with shown.showing(3, 0):
        shown.update(1, {"phase": "a", "generation": 3, "individual": 4, "loss": 0.5})
    last = _last_frame(stream, "step 1 of 3")
    assert any(
        line.replace("\u2503", " ").split() == ["step", "phase", "generation", "loss"] for line in last
    )
    assert "not shown: individual" in last


def test_rows_stay_when_the_phase_changes(clock):
    console, stream = _terminal()
    shown = TerminalProgress(console)
    with shown.showing(3, 0):
        shown.update(1, {"phase": "train", "train_loss": 1.5})
        shown.update(2, {"phase": "score", "accuracy": 25.0})
    rows = [row.replace("\u2502", " ").split() for row in _last_frame(stream, "step 2 of 3")]
    assert ["1", "train", "1.5"] in rows and ["2", "score", "25"] in rows


def test_the_best_so_far(clock):
    """Of the accuracy that is not of training, with its step; a loss where there is none, the least of it."""
    console, stream = _terminal()
    shown = TerminalProgress(console)
    values = [(50.0, 2.0), (75.0, 0.5), (60.0, 1.0), (float("nan"), float("nan")), (None, None)]
    with shown.showing(9, 0):
        for step, (accuracy, loss) in enumerate(values, start=1):
            shown.update(
                step, {"phase": "a", "train_accuracy": 99.0, "test_accuracy": accuracy, "loss": loss}
            )
        assert "best so far: test_accuracy 75 at step 2" in _last_frame(stream, "step 5 of 9")
        shown.update(6, {"phase": "b", "loss": 0.75})
        assert "best so far: loss 0.5 at step 2" in _last_frame(stream, "step 6 of 9")
        shown.update(7, {"phase": "c"})
        assert not any("best" in line for line in _last_frame(stream, "step 7 of 9"))


def test_something_moves_during_the_first_step(clock):
    console, stream = _terminal()
    shown = TerminalProgress(console)
    with shown.showing(9, 3):
        clock.now += 65
        shown._live.refresh()
        assert _last_frame(stream, "step 3 of 9")[0] == "step 3 of 9, the first takes 1 min 05 s so far"
        assert shown._live.auto_refresh


@pytest.mark.parametrize("width", [46, 60])
def test_no_word_is_broken(width, clock):
    """Neither in a note nor in what stands around the table; what is longer than a line stands alone."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=40, color_system=None)
    shown = TerminalProgress(console)
    text = "some words of a note that is long enough to be more than a line of it"
    words = [*text.split(), "/a" * 40]
    shown.note(" ".join(words))
    assert stream.getvalue().split() == words
    assert max(len(line) for line in stream.getvalue().splitlines() if "/a" not in line) <= width
    metrics = {"phase": "search"} | {f"figure_number_{number}": 0.5 for number in range(9)}
    with shown.showing(30, 0):
        shown.update(1, metrics)
    last = _last_frame(stream, "step 1 of 30")
    assert max(map(len, last)) <= width
    found = set(re.findall(r"figure_number_\d", "\n".join(last)))
    assert found == metrics.keys() - {"phase"}


@pytest.mark.parametrize("plain", [True, False])
def test_plain_and_pipes(plain, clock):
    """No control codes with --plain, nor without a terminal."""
    console, stream = _terminal() if plain else (Console(file=(pipe := io.StringIO())), pipe)
    shown = TerminalProgress(console, plain=plain)
    with shown.showing(1, 0):
        shown.update(1, METRICS)
    line = "step 1/1  phase search  loss 0.1235  fast 3  big 1.235e+06  left 0 min 00 s\n"
    assert stream.getvalue() == line


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet(terminal, clock):
    """Nothing but why a run has stopped."""
    console, stream = _terminal() if terminal else (Console(file=(pipe := io.StringIO()), width=40), pipe)
    shown = TerminalProgress(console, quiet=True)
    with shown.showing(1, 0):
        shown.note("a note")
        shown.update(1, METRICS)
    assert stream.getvalue() == ""
    shown.stopped("Stopped by SIGINT.")
    assert stream.getvalue() == "Stopped by SIGINT.\n"


def test_an_error_leaves_the_terminal_in_order(clock):
    """The cursor is shown again."""
    console, stream = _terminal()
    shown = TerminalProgress(console)
    with pytest.raises(RuntimeError), shown.showing(2, 0):
        shown.update(1, METRICS)
        raise RuntimeError
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")
