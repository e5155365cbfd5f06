"""drive: when it logs, saves and stops."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import torch

from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.drive import drive
from nastk.engine.inputs import Inputs
from nastk.engine.progress import Progress
from nastk.engine.signals import GRACE_S, Stopped
from nastk.run import Run, RunError
from nastk.schema import EngineConfig, RunConfig


class _Job:
    """Adds up draws; `at` is called within each step."""

    def __init__(self, engine: Engine, num_steps: int = 7, at: Any = lambda step: None) -> None:
        self.engine, self.num_steps, self.at = engine, num_steps, at
        self.done, self.total = 0, torch.zeros(3)

    @property
    def finished(self) -> bool:
        return self.done == self.num_steps

    def step(self) -> dict[str, Any]:
        self.at(self.done + 1)
        self.total += torch.rand(3, generator=self.engine.streams["draws"])
        self.done += 1
        return {"phase": "add", "total": self.total.sum().item()}

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done, "total": self.total}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.done, self.total = state["done"], state["total"]


def _engine() -> Engine:
    return Engine(EngineConfig(device="cpu"), 0)


def _drive(
    run: Run, job: _Job, *, every: int = 1, seconds: float = 0.0, resume: bool = False, config: str = "c"
) -> tuple[int, float]:
    return drive(
        job,
        run,
        job.engine,
        Progress(),
        config=config,
        checkpoint_every=every,
        checkpoint_seconds=seconds,
        resume=resume,
    )


@pytest.fixture
def run(tmp_path):
    run = Run.create(tmp_path / "run")
    run.write_text("config.yaml", "")
    yield run
    run.close()


def _saved(run: Run) -> int:
    return int(torch.load(run.path / checkpoint.NAME)["step"])


@pytest.mark.parametrize(
    ("every", "expected"), [(1, [0, 1, 2, 3, 4, 5, 6, 7]), (3, [0, 3, 6, 7]), (100, [0, 7])]
)
def test_checkpoints(run, every, expected, monkeypatch):
    found, save = [], checkpoint.save

    def noting(*arguments: Any, step: int, **options: Any) -> None:
        found.append(step)
        save(*arguments, step=step, **options)

    monkeypatch.setattr(checkpoint, "save", noting)
    steps, wall_s = _drive(run, _Job(_engine()), every=every)
    assert found == expected
    assert steps == 7 and wall_s >= 0
    assert [row["step"] for row in run.read_metrics()] == list(range(1, 8))


@pytest.mark.parametrize(
    ("seconds", "every", "expected"),
    [
        (5.0, 1, [0, 2, 4, 6, 7]),
        (3.0, 1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3.1, 1, [0, 2, 4, 6, 7]),
        (9.5, 1, [0, 4, 7]),
        (100.0, 1, [0, 7]),
        (5.0, 3, [0, 3, 6, 7]),
    ],
)
def test_checkpoints_by_the_clock(run, seconds, every, expected, monkeypatch):
    """Steps of 3 s, checkpoints of 1 s, from whose end the time counts."""
    now, found, save = 0.0, [], checkpoint.save

    def wait(amount: float) -> None:
        nonlocal now
        now += amount

    def noting(*arguments: Any, step: int, **options: Any) -> None:
        found.append(step)
        wait(1.0)
        save(*arguments, step=step, **options)

    monkeypatch.setattr(checkpoint, "save", noting)
    monkeypatch.setattr("nastk.engine.drive.time.monotonic", lambda: now)
    _drive(run, _Job(_engine(), at=lambda step: wait(3.0)), every=every, seconds=seconds)
    assert found == expected


def test_a_step_that_a_signal_abandons_has_a_checkpoint_before_it():
    """By default: the one before it took as long, and was saved."""
    assert RunConfig().checkpoint_every == 1 and RunConfig().checkpoint_seconds <= GRACE_S


def test_a_signal_between_checkpoints(run):
    """No step that was finished is lost, however long the period."""

    def signal_at(step: int) -> None:
        if step == 4:
            engine.stop.signal_number = signal.SIGINT

    engine = _engine()
    with pytest.raises(Stopped):
        _drive(run, _Job(engine, at=signal_at), every=10, seconds=1000.0)
    assert _saved(run) == 4


@pytest.mark.parametrize("every", [1, 2, 3, 5])
@pytest.mark.parametrize("at", [1, 2, 5, 7])
def test_broken_off_and_resumed(run, tmp_path, every, at):
    expected = _Job(_engine())
    _drive(other := Run.create(tmp_path / "other"), expected)
    other.close()

    def break_off(step: int) -> None:
        if step == at:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        _drive(run, _Job(_engine(), at=break_off), every=every)
    assert _saved(run) == (at - 1) // every * every
    job = _Job(_engine())
    steps, _ = _drive(run, job, every=every, resume=True)
    assert steps == 7
    assert torch.equal(job.total, expected.total)
    without_time = [[row | {"time_s": 0} for row in each.read_metrics()] for each in (run, other)]
    assert without_time[0] == without_time[1]


@pytest.mark.parametrize("error", [RuntimeError("DataLoader worker exited unexpectedly"), EOFError()])
def test_helpers_that_a_signal_ends(run, error):
    """A signal to all processes ends those that load images, too; that the step fails then is no fault."""

    def lose_helpers(step: int) -> None:
        if step == 3:
            engine.stop.signal_number = signal.SIGTERM
            raise error

    engine = _engine()
    with pytest.raises(Stopped, match="SIGTERM"):
        _drive(run, _Job(engine, at=lose_helpers))
    assert _saved(run) == 2


def test_wall_time_adds_up(run):
    _drive(run, _Job(_engine()))
    content = torch.load(run.path / checkpoint.NAME)
    torch.save(content | {"wall_s": 1000.0}, run.path / checkpoint.NAME)
    steps, wall_s = _drive(run, _Job(_engine()), resume=True)
    assert steps == 7 and 1000 <= wall_s < 1300


def test_resumed_when_finished(run):
    _drive(run, _Job(_engine()))
    before = (run.path / checkpoint.NAME).stat().st_mtime_ns
    job = _Job(_engine(), at=lambda step: pytest.fail("there is nothing to do"))
    assert _drive(run, job, resume=True)[0] == 7
    assert job.finished and (run.path / checkpoint.NAME).stat().st_mtime_ns == before


def test_checkpoint_of_another_configuration(run):
    _drive(run, _Job(_engine()))
    with pytest.raises(RunError, match="belongs to another configuration"):
        _drive(run, _Job(_engine()), resume=True, config="d")


def test_a_checkpoint_that_cannot_be_written(run, monkeypatch):
    """The one before stays as it is; what was logged stays logged."""

    def full(step: int) -> None:
        if step == 3:
            monkeypatch.setattr("os.fsync", _fail)

    with pytest.raises(RunError, match="No space left on device"):
        _drive(run, _Job(_engine(), at=full))
    monkeypatch.undo()
    assert _saved(run) == 2
    job = _Job(_engine())
    run.close()
    again = Run.open(run.path)
    _drive(again, job, resume=True)
    again.close()
    assert [row["step"] for row in again.read_metrics()] == list(range(1, 8))


def _fail(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_checkpoint_runs_no_code(run):
    class Bomb:
        def __reduce__(self) -> Any:
            return pytest.fail, ("it went off",)

    torch.save({"format": checkpoint.FORMAT, "version": 1, "job": Bomb()}, run.path / checkpoint.NAME)
    with pytest.raises(RunError, match="not a nastk checkpoint"):
        _drive(run, _Job(_engine()), resume=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_checkpoint_with_bytes_changed(run, seed):
    """Refused, or read as it was (some bytes are padding); never another error, never other numbers."""
    _drive(run, job := _Job(_engine()))
    path = run.path / checkpoint.NAME
    content = bytearray(path.read_bytes())
    generator = torch.Generator().manual_seed(seed)
    for position in torch.randint(len(content), (4,), generator=generator).tolist():
        content[position] ^= 0xFF
    path.write_bytes(content)
    try:
        found = checkpoint.load(run, _engine(), config="c", inputs=Inputs())
    except RunError as error:
        assert str(path) in str(error)
    else:
        assert found["step"] == 7
        assert torch.equal(found["job"]["total"], job.total)
