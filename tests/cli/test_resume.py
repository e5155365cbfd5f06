"""Stopping a run anywhere and resuming it gives the uninterrupted run's result, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import saved
import torch
from command_lines import EVALUATE, SEARCH

from nastk import config
from nastk.archs import FOLDER
from nastk.cli.progress import TerminalProgress
from nastk.engine import checkpoint
from nastk.engine.signals import StopRequest
from nastk.run import Run

COMMANDS = {"search": SEARCH, "evaluate": EVALUATE}
STEPS = {"search": 3, "evaluate": 3}


def _interrupting(at: int) -> Callable[..., None]:
    """Raises at its `at`-th call, as Ctrl-C would."""
    calls = 0

    def call(*_: Any, **__: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_stopped_after_every_step(command, nastk, finished_runs, result_of, monkeypatch):
    """Every sitting does two steps and ends before the second one's checkpoint: each is done twice."""
    arguments = [*COMMANDS[command], "--run-dir", "run"]
    for steps in range(1, STEPS[command]):
        with monkeypatch.context() as patch:
            patch.setattr(TerminalProgress, "update", _interrupting(2))
            code, _, err = nastk(*arguments)
        assert code == 130
        assert f"To continue: nastk {command} --resume run\n" in err
        assert torch.load("run/checkpoint.pt")["step"] == steps
        arguments = [command, "--resume", "run"]
    assert nastk(*arguments).code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("at", [1, 5])
def test_stopped_within_a_step(command, at, nastk, finished_runs, result_of, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(StopRequest, "at_batch", _interrupting(at))
        assert nastk(*COMMANDS[command], "--run-dir", "run").code == 130
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("at", [2, 3])
def test_checkpoints_now_and_then(command, at, nastk, finished_runs, result_of, monkeypatch):
    """Steps behind the last checkpoint are done again; each has one line."""
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _interrupting(at))
        assert nastk(*COMMANDS[command], "--run-dir", "run", "run.checkpoint_every=3").code == 130
    assert torch.load("run/checkpoint.pt")["step"] == 0
    assert nastk(command, "--resume", "run").code == 0
    found, expected = result_of(Path("run")), result_of(finished_runs[command])
    differing = {"config.yaml", "checkpoint.pt", "genotype.json"}  # which tell the period
    assert {k: v for k, v in found.items() if k not in differing} == {
        k: v for k, v in expected.items() if k not in differing
    }
    assert found["checkpoint.pt"] | {"config": 0} == expected["checkpoint.pt"] | {"config": 0}
    steps = [row["step"] for row in found["metrics.jsonl"]]
    assert steps == list(range(1, STEPS[command] + 1))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("last", ["weights.safetensors", "ranking.json", ""])
def test_killed_between_the_last_step_and_the_summary(command, last, nastk, finished_runs, result_of):
    """The checkpoint knows that the job is done: the results are written."""
    shutil.copytree(finished_runs[command], "run")
    os.remove("run/summary.json")
    if last and Path("run", last).exists():
        os.remove(f"run/{last}")
    metrics = Path("run/metrics.jsonl").read_bytes()
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])
    assert Path("run/metrics.jsonl").read_bytes() == metrics


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_before_the_first_checkpoint(command, nastk, finished_runs, result_of, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", _interrupting(1))
        assert nastk(*COMMANDS[command], "--run-dir", "run").code == 130
    assert not Path("run/checkpoint.pt").exists()
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


def test_killed_while_the_configuration_was_written(nastk, monkeypatch):
    """Such a directory holds nothing to continue, and counts as a new one."""
    for command, arguments in COMMANDS.items():
        write = Run.write_text

        def interrupted(run: Run, name: str, text: str, write: Any = write) -> None:
            if name == "config.yaml":
                (run.path / ".config.yaml.tmp").write_text(text[:50])
                raise KeyboardInterrupt
            write(run, name, text)

        with monkeypatch.context() as patch:
            patch.setattr(Run, "write_text", interrupted)
            assert nastk(*arguments, "--run-dir", command).code == 130
        code, _, err = nastk(command, "--resume", command)
        assert code == 2
        assert err == (
            f"Error: {command} is no run directory (it has no config.yaml); a run that was stopped before it "
            "began to train is started anew\n"
        )
        assert nastk(*arguments, "--run-dir", command).code == 0


@pytest.mark.parametrize("torn", ['{"step": 3, "pha', "{", '{"step": 3}'])
def test_torn_last_line_of_metrics(torn, nastk, finished_runs, result_of, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _interrupting(3))
        assert nastk(*SEARCH, "--run-dir", "run").code == 130
    path = Path("run/metrics.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + torn)  # without its newline, and so not finished
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_damaged_line_of_metrics(nastk, finished_runs):
    shutil.copytree(finished_runs["search"], "run")
    os.remove("run/summary.json")
    for damage in (b"\0\0\0\n", b"[]\n", b'{"step": "x"}\n', b"{}\n"):
        with open("run/metrics.jsonl", "ab") as file:
            file.write(damage)
        code, _, err = nastk("search", "--resume", "run")
        assert code == 2
        assert err == "Error: run/metrics.jsonl: the last line is damaged; remove it to resume\n"


def test_metrics_that_were_taken_away(nastk, finished_runs):
    """Their lines cannot come back, which is said, but the run can be finished."""
    shutil.copytree(finished_runs["search"], "run")
    os.remove("run/summary.json")
    os.remove("run/metrics.jsonl")
    code, _, err = nastk("search", "--resume", "run")
    assert code == 0
    assert "run/metrics.jsonl is missing: the lines up to step 3 are lost\n" in err


def test_metrics_that_were_taken_away_meanwhile(nastk, monkeypatch):
    """The file goes on with the step that the run goes on with."""
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _interrupting(3))
        assert nastk(*SEARCH, "--run-dir", "run").code == 130
    os.remove("run/metrics.jsonl")
    code, _, err = nastk("search", "--resume", "run")
    assert code == 0
    assert "run/metrics.jsonl is missing: the lines up to step 2 are lost\n" in err
    assert [json.loads(line)["step"] for line in Path("run/metrics.jsonl").read_text().splitlines()] == [3]


def test_another_number_of_threads(nastk, finished_runs, monkeypatch):
    _unfinished(finished_runs)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    code, _, err = nastk("search", "--resume", "run")
    assert code == 0
    assert "CPU threads: 1 until now, 7 from here on; results may differ in the last bits " in err
    assert nastk(*SEARCH, "--run-dir", "new").err.count("may differ") == 0


def test_leftovers_of_a_kill_do_not_stay(nastk, finished_runs, result_of):
    shutil.copytree(finished_runs["search"], "run")
    os.remove("run/summary.json")
    for name in ("summary.json", "genotype.json", "ranking.json"):
        Path(f"run/.{name}.tmp").write_bytes(b"half of it")
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_finished_run(nastk, finished_runs):
    before = {path: path.stat().st_mtime_ns for run in finished_runs.values() for path in run.iterdir()}
    for command, run in finished_runs.items():
        result = run / ("genotype.json" if command == "search" else "summary.json")
        longer = f"; to train it longer, as a new run: nastk evaluate --weights {run}/weights.safetensors"
        longer = longer if command == "evaluate" else ""
        assert nastk(command, "--resume", run) == (
            0,
            "",
            f"{run} is finished; its result is {result}{longer}\n",
        )
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_no_run(nastk, tmp_path):
    Path("empty").mkdir()
    Path("file").write_text("")
    for path, message in (
        ("nowhere", "nowhere does not exist"),
        ("file", "file is no run directory"),
        ("empty", "empty is no run directory"),
        ("x" * 300, "File name too long"),
    ):
        for command in ("search", "evaluate", "transfer"):
            code, out, err = nastk(command, "--resume", path)
            assert (code, out) == (2, "")
            assert err.startswith("Error: ") and message in err and err.count("\n") == 1
    assert sorted(os.listdir()) == ["empty", "file"]


def test_run_of_another_command(nastk, finished_runs):
    code, _, err = nastk("evaluate", "--resume", finished_runs["search"])
    assert code == 2
    path = finished_runs["search"]
    assert err == f"Error: {path} is a run of nastk search: nastk search --resume {path}\n"


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("search", ["search.generations=9"]),
        ("search", ["--method", "relativenas"]),
        ("search", ["--space", "darts"]),
        ("search", ["--seed", "0"]),
        ("evaluate", ["--arch", "darts-v1"]),
        ("evaluate", ["--dataset", "digits"]),
        ("evaluate", ["--preset", "quick"]),
        ("transfer", ["--weights", "w.safetensors"]),
        ("transfer", ["--task", "data"]),
        ("transfer", ["--run-dir", "other"]),
        ("transfer", ["--device", "cpu"]),
        ("transfer", ["--data-dir", "."]),
    ],
)
def test_nothing_else_may_be_asked_for(command, extra, nastk):
    code, _, err = nastk(command, "--resume", "run", *extra)
    assert code == 2
    assert err == (f"Error: --resume continues a run with its own configuration; leave out {extra[0]}\n")


def test_run_that_is_in_use(nastk, finished_runs):
    """Two processes in one directory would take each other's temporary files away."""
    shutil.copytree(finished_runs["search"], "run")
    run = Run.open(Path("run"))
    assert nastk("search", "--resume", "run") == (2, "", "Error: run is in use by another nastk\n")
    run.close()
    assert nastk("search", "--resume", "run").code == 0


def _unfinished(finished_runs: dict[str, Path]) -> None:
    shutil.copytree(finished_runs["search"], "run")
    os.remove("run/summary.json")


def _refused(nastk: Any, message: str, command: str = "search") -> None:
    before = Path("run/checkpoint.pt").read_bytes()
    code, out, err = nastk(command, "--resume", "run")
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if not line.startswith(("run directory: ", "data: "))]
    assert len(lines) == 1 and lines[0].startswith("Error: run/checkpoint.pt: ") and message in lines[0], err
    assert Path("run/checkpoint.pt").read_bytes() == before
    assert not Path("run/summary.json").exists()


@pytest.mark.parametrize("length", [0, 1, 3, 4, 100, 1000, 0.3, 0.7, -22, -1])
def test_truncated_checkpoint(length, nastk, finished_runs):
    _unfinished(finished_runs)
    path = Path("run/checkpoint.pt")
    content = path.read_bytes()
    path.write_bytes(content[: int(length * len(content)) if isinstance(length, float) else length])
    _refused(nastk, "the checkpoint is damaged (truncated?) or not a nastk checkpoint")


class _Bomb:
    def __reduce__(self) -> Any:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize(
    "what", ["text", "zip", "bomb", "legacy bomb", "tensor", "dict", "list", "directory"]
)
def test_no_checkpoint(what, nastk, finished_runs):
    _unfinished(finished_runs)
    path = Path("run/checkpoint.pt")
    message = "not a nastk checkpoint"
    if what == "text":
        path.write_text("step: 3\n")
    elif what == "zip":
        path.unlink()
        shutil.make_archive("empty", "zip", finished_runs["evaluate"])
        shutil.move("empty.zip", path)
    elif what == "bomb":
        torch.save({"format": checkpoint.FORMAT, "version": 1, "job": _Bomb()}, path)
    elif what == "legacy bomb":
        torch.save(_Bomb(), path, _use_new_zipfile_serialization=False)
    elif what == "directory":
        path.unlink()
        return
    else:
        torch.save({"tensor": torch.ones(2), "dict": {"a": 1}, "list": [1]}[what], path)
    _refused(nastk, message)
    assert not Path("exploded").exists()


def test_checkpoint_of_another_version(nastk, finished_runs):
    _unfinished(finished_runs)
    content = torch.load("run/checkpoint.pt")
    old = "; the nastk that began the run can finish it"
    for version, hint in ((1, old), (2, old), (99, "")):
        torch.save(content | {"version": version}, "run/checkpoint.pt")
        _refused(nastk, f"version {version} of the format; this nastk reads 3{hint}")


def test_whole_checkpoints_with_odd_parts(nastk, finished_runs, result_of):
    """engine/test_checkpoint.py has all of them; here: the run directory stays as it is."""
    _unfinished(finished_runs)
    content = saved.read("run/checkpoint.pt")
    before = result_of(Path("run"))
    del before["checkpoint.pt"]
    for changes in (
        {"step": 10**9},
        {"wall_s": "x"},
        {"streams": {}},
        {"job": dict.fromkeys(content["job"])},
    ):
        saved.write("run/checkpoint.pt", content | changes)
        _refused(nastk, "the checkpoint is damaged")
        found = result_of(Path("run"))
        assert {name: part for name, part in found.items() if name != "checkpoint.pt"} == before
    saved.write("run/checkpoint.pt", content)
    assert nastk("search", "--resume", "run").code == 0


def test_another_cell_in_the_run_directory(nastk, finished_runs, result_of, monkeypatch):
    """Of the same space or of another one: no other network is trained on under the run's name."""
    path = Path("run/genotype.json")
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _interrupting(2))
        assert nastk(*EVALUATE, "--run-dir", "run").code == 130
    own = path.read_text()
    before = sorted(os.listdir("run"))
    for text in ((FOLDER / "darts-v1.json").read_text(), (finished_runs["search"] / path.name).read_text()):
        path.write_text(text)
        _refused(nastk, "has changed: another genotype.json. Put it back", "evaluate")
        assert (path.read_text(), sorted(os.listdir("run"))) == (text, before)
    path.unlink()
    code, _, err = nastk("evaluate", "--resume", "run")
    assert (code, err) == (2, "Error: run/genotype.json is missing, the cell that the run was started with\n")
    path.write_text(own)
    assert nastk("evaluate", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["evaluate"])


def test_edited_configuration(nastk, finished_runs):
    _unfinished(finished_runs)
    path = Path("run/config.yaml")
    text = path.read_text()
    path.write_text(text.replace("generations: 2 ", "generations: 5 "))
    _refused(nastk, "belongs to another configuration than run/config.yaml")
    assert "generations: 5 " in path.read_text()


def test_a_run_of_an_older_nastk(nastk, finished_runs, monkeypatch):
    """Which commented on a key otherwise, or did not have it: what the file says counts."""
    _unfinished(finished_runs)
    to_yaml = config.to_yaml
    monkeypatch.setattr("nastk.workflows.driving.to_yaml", lambda of: to_yaml(of) + "# a new comment\n")
    assert nastk("search", "--resume", "run").code == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("generations: 2 ", "generations: many", "search.generations: expected an integer, found 'many'"),
        (
            "generations:",
            "generation:",
            "unknown key 'search.generation'; did you mean 'search.generations'?",
        ),
        ("command: search", "command: sing", "not a nastk configuration"),
        ("method: relativenas", "method: relativena", "did you mean 'relativenas'?"),
        ("search:\n", "search: [\n", "not a nastk configuration"),
    ],
)
def test_configuration_that_cannot_be_read(old, new, message, nastk, finished_runs):
    _unfinished(finished_runs)
    path = Path("run/config.yaml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    code, out, err = nastk("search", "--resume", "run")
    assert (code, out) == (2, "")
    assert err.startswith("Error: run/config.yaml: ") and message in err and err.count("\n") == 1


def _signalling(*signals: int, at: int) -> Callable[..., None]:
    """Sends the signals to this process at its `at`-th call."""
    calls = 0

    def call(*_: Any, **__: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            for number in signals:
                os.kill(os.getpid(), number)

    return call


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_during_a_step(command, number, nastk, finished_runs, result_of, monkeypatch):
    """The step in hand is finished, since it is short; then the run stops."""
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        patch.setattr(StopRequest, "at_batch", _signalling(number, at=2))
        code, out, err = nastk(*COMMANDS[command], "--run-dir", "run")
    assert code == 128 + number
    assert out == ""
    expected = f"Stopped by {signal.Signals(number).name}. To continue: nastk {command} --resume run"
    assert err.splitlines()[-1] == expected
    assert torch.load("run/checkpoint.pt")["step"] == 1
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_signal_during_a_long_step(command, nastk, finished_runs, result_of, monkeypatch):
    """The step is abandoned; the checkpoint of the one before stands, also with a longer period."""
    monkeypatch.setattr("nastk.engine.signals.GRACE_S", -1.0)
    calls, at_batch = 0, StopRequest.at_batch

    def stop(request: StopRequest) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        at_batch(request)

    with monkeypatch.context() as patch:
        patch.setattr(StopRequest, "at_batch", stop)
        code, _, err = nastk(*COMMANDS[command], "--run-dir", "run")
    assert code == 143
    assert err.endswith(f"Stopped by SIGTERM. To continue: nastk {command} --resume run\n")
    assert torch.load("run/checkpoint.pt")["step"] == 0
    assert not Path("run/metrics.jsonl").exists()
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


def test_signal_between_checkpoints(nastk, finished_runs, result_of, monkeypatch):
    """A step that was finished before the run stopped is not lost, whatever the period."""
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _signalling(signal.SIGINT, at=2))
        assert nastk(*SEARCH, "--run-dir", "run", "run.checkpoint_every=3").code == 130
    assert torch.load("run/checkpoint.pt")["step"] == 2


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_second_interrupt(first, nastk, finished_runs, result_of, monkeypatch):
    """It stops at once, in the middle of a step."""
    with monkeypatch.context() as patch:
        patch.setattr(StopRequest, "at_batch", _signalling(first, signal.SIGINT, at=5))
        code, _, err = nastk(*SEARCH, "--run-dir", "run")
    assert code == 130
    assert "To continue: nastk search --resume run\n" in err
    assert "Traceback" not in err
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_second_interrupt_while_the_checkpoint_is_written(nastk, finished_runs, result_of, monkeypatch):
    """The checkpoint before stays, the half-written one does not."""
    replace, calls = os.replace, 0

    def interrupt(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        assert nastk(*SEARCH, "--run-dir", "run").code == 130
    assert sorted(os.listdir("run")) == ["checkpoint.pt", "config.yaml", "metrics.jsonl"]
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_signal_in_the_last_step(nastk, monkeypatch):
    """There is nothing left to stop: the results are written."""
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _signalling(signal.SIGTERM, at=3))
        assert nastk(*SEARCH, "--run-dir", "run").code == 0
    assert json.loads(Path("run/summary.json").read_text())["steps"] == 3


def test_interrupt_before_the_run_starts(nastk, monkeypatch):
    monkeypatch.setattr("nastk.data.search_images.load_images", _interrupting(1))
    code, out, err = nastk(*SEARCH, "--run-dir", "run")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "Interrupted"
    assert "Traceback" not in err
    assert os.listdir() == []


def test_interrupt_while_results_are_written(nastk, finished_runs, result_of, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["nastk.workflows.search"], "write_summary", _interrupting(1))
        assert nastk(*SEARCH, "--run-dir", "run").code == 130
    assert not Path("run/summary.json").exists()
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])
