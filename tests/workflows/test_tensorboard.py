"""The mirror of metrics.jsonl: what is handed to the writer, and what is said where there is none."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from nastk import cli
from nastk.engine.progress import Progress
from nastk.workflows.tensorboard import Mirrored

ROW = {"phase": "search", "time_s": 1.0, "loss": 0.5, "index": 3, "gone": None, "list": [1]}


class _Writer:
    made: list[_Writer]

    def __init__(self, log_dir: str, purge_step: int | None) -> None:
        self.log_dir, self.purge_step = log_dir, purge_step
        self.scalars: list[tuple[str, float, int]] = []
        self.open = True
        self.made.append(self)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.append((tag, value, step))

    def flush(self) -> None: ...

    def close(self) -> None:
        self.open = False


class _Heard(Progress):
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.said: list[str] = []

    def note(self, text):
        self.said.append(text)

    def update(self, step, metrics):
        self.steps.append(step)


@pytest.fixture
def made(monkeypatch):
    _Writer.made = []
    module = SimpleNamespace(SummaryWriter=_Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return _Writer.made


def test_figures_by_phase_and_everything_handed_on(made, tmp_path):
    heard = _Heard()
    mirror = Mirrored(heard, tmp_path)
    with mirror.showing(9, 0):
        mirror.update(1, ROW)
        mirror.note("a")
        mirror.stopped("b")
    (writer,) = made
    assert writer.scalars == [("search/loss", 0.5, 1), ("search/index", 3, 1)]
    assert (writer.log_dir, writer.purge_step, writer.open) == (str(tmp_path / "tensorboard"), 1, False)
    assert (heard.steps, heard.said) == ([1], ["a", "b"])


def test_a_resumed_run_hides_what_it_does_again(made, tmp_path):
    mirror = Mirrored(Progress(), tmp_path)
    with pytest.raises(RuntimeError), mirror.showing(9, 4):
        raise RuntimeError
    assert (made[0].purge_step, made[0].open) == (5, False)


def test_where_there_is_no_tensorboard(tmp_path, monkeypatch, capsys):
    """One line, and nothing left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    words = ["network.init_channels=2", "data.max_train=40", "engine.device=cpu", "run.tensorboard=true"]
    assert cli.run(["search", "--method", "random", *words, "--run-dir", "run", "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err == "Error: run.tensorboard: TensorBoard is not installed; pip install 'nastk[tensorboard]'\n"
    assert not list(tmp_path.iterdir())


def test_the_real_one(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for first in (0, 1):  # the second time it goes on behind step 1
        mirror = Mirrored(Progress(), tmp_path)
        with mirror.showing(3, first):
            for step in range(first + 1, 4):
                mirror.update(step, ROW | {"loss": step + 10.0 * first})
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(event.step, event.value) for event in found.Scalars("search/loss")] == [(1, 1), (2, 12), (3, 13)]
