"""What a run will take, said beforehand: its time, its memory; and a budget that is fitted to minutes."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import nastk
from nastk.config import resolve
from nastk.engine.progress import Progress
from nastk.workflows import driving
from nastk.workflows.timing import duration, fit_to_minutes, time_note

TINY = {
    "network.init_channels": 8, "network.num_cells": 3, "data.max_train": 20, "engine.threads": 1,
    "space.operations": ["skip_connect", "max_pool_3x3"],
}  # fmt: skip


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@dataclass
class FakeJob:
    epochs: int


def fitted(minutes, *, seconds=lambda job: 30.0 * job.epochs, budget=("train.epochs",), build=None):
    words = [] if minutes is None else [f"run.minutes={minutes}"]
    config, progress = resolve("search", "darts", "small", words), Notes()
    build = build or (lambda config: FakeJob(config.train.epochs))
    found, job, _ = fit_to_minutes(config, FakeJob(8), budget, seconds, build, progress)
    return found, job, progress.notes


@pytest.mark.parametrize(
    ("minutes", "epochs", "told"), [(10, 20, "10 min"), (2, 4, "2 min"), (0.1, 1, "30 s")]
)
def test_the_budget_is_fitted_to_the_time(minutes, epochs, told):
    config, job, notes = fitted(minutes)
    assert config.train.epochs == job.epochs == epochs
    assert notes == [f"run.minutes={minutes:g}: train.epochs={epochs} (instead of 8), about {told}"]


def test_what_is_not_in_proportion_is_fitted_again():
    """100 s that no epoch changes: 10 min are 50 epochs of 10 s."""
    config, _, notes = fitted(10, seconds=lambda job: 100 + 10.0 * job.epochs)
    assert 45 <= config.train.epochs <= 52 and len(notes) == 1


def test_nothing_is_fitted_without_the_key_and_where_nothing_is_trained():
    assert fitted(None)[0].train.epochs == 8 and fitted(None)[2] == []
    config, _, notes = fitted(1, seconds=lambda job: None)
    assert config.train.epochs == 8 and notes == [
        "run.minutes: nothing is trained here, so that nothing was fitted to the time"
    ]


def test_what_the_method_refuses_of_the_fitted_budget_is_said():
    def build(config):
        raise ValueError("search.evaluations: expected at least search.population (20), found 3")

    with pytest.raises(ValueError, match=r"^run\.minutes=1: search\.evaluations: expected at least"):
        fitted(1, build=build)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.04 s"), (3.2, "3 s"), (75, "75 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
    assert time_note(seconds, 1) == f"time: about {words}: 1 step of about {words} (measured on one batch)"


def test_a_run_of_some_minutes_and_its_resume(tmp_path):
    """The fitted budget is in config.yaml; going on changes nothing of it."""
    settings = TINY | {"search.population": 2, "search.generations": 50, "run.minutes": 0.001}
    notes, seen = [], []

    def stop(step, num_steps, figures):
        seen.append(num_steps)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nastk.search("random", settings=settings, run_dir=tmp_path / "run", progress=stop, note=notes.append)
    (told,) = [line for line in notes if line.startswith("run.minutes")]
    assert told.startswith("run.minutes=0.001: search.generations=")
    assert any(line.startswith("time: about ") for line in notes)
    run = nastk.open(tmp_path / "run")
    generations = run.config.search.generations
    assert f"search.generations={generations} (instead of 50)" in told and generations < 50
    assert seen == [generations + 1]
    before = (tmp_path / "run" / "config.yaml").read_bytes()
    run.resume()
    assert (tmp_path / "run" / "config.yaml").read_bytes() == before
    assert len(nastk.open(tmp_path / "run").metrics) == generations + 1


def test_memory_is_held_against_what_is_free(tmp_path, monkeypatch):
    notes = []

    def train(name):
        notes.clear()
        settings = {key: value for key, value in TINY.items() if not key.startswith("space.")}
        nastk.evaluate(
            "darts-v2", dataset="digits", settings=settings | {"data.max_test": 10, "train.epochs": 1},
            run_dir=tmp_path / name, note=notes.append,
        )  # fmt: skip
        return next(line for line in notes if line.startswith("memory:"))

    told = train("enough")
    assert "free" not in told
    monkeypatch.setattr(driving, "free_bytes", lambda device: 2**22)
    with pytest.raises(
        ValueError, match=r"^memory: about \d+ MiB .*, more than the 4 MiB that are free; try train\."
    ):
        train("refused")
    assert not Path(tmp_path / "refused").exists()
    needed = int(told.split()[2]) * 2**20
    monkeypatch.setattr(driving, "free_bytes", lambda device: int(1.5 * needed))
    assert "more than half of the" in train("warned") and "train.batch_size=" in notes[-1] + " ".join(notes)
    monkeypatch.setattr(driving, "free_bytes", lambda device: None)
    assert train("unknown") == told
