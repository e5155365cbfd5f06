"""A disk that is full: one line, exit code 2, the checkpoint before intact, nothing half-written.

The limit on a file's size (EFBIG) stands for the disk's end; the last test fills a real disk up.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from command_lines import EVALUATE, SEARCH

from nastk.cli.progress import TerminalProgress
from nastk.engine import checkpoint
from nastk.networks import weights
from nastk.run import Run

COMMANDS = {"search": SEARCH, "evaluate": EVALUATE}


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Lets no file grow beyond so many bytes, until the test is over or it is called with -1."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _first(action: Callable[[], None], function: Callable[..., Any], *, at: int = 1) -> Callable[..., Any]:
    """`function`, before whose `at`-th call there is `action`."""
    calls = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            action()
        return function(*arguments, **options)

    return call


def _temporary_files() -> list[str]:
    return [str(path) for path in Path().rglob("*") if path.name.startswith(".") or "tmp" in path.name]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_room_for_a_checkpoint(command, nastk, finished_runs, result_of, limit, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", _first(lambda: limit(4000), TerminalProgress.update, at=2))
        code, out, err = nastk(*COMMANDS[command], "--run-dir", "run")
    limit(-1)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "Error: run/checkpoint.pt: File too large"
    assert "Traceback" not in err
    assert torch.load("run/checkpoint.pt")["step"] == 1
    assert _temporary_files() == []
    assert nastk(command, "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs[command])


@pytest.mark.parametrize("name", ["genotype.json", "cell_reduce.svg", "config.yaml"])
def test_no_room_to_begin(name, nastk, finished_runs, result_of, limit, monkeypatch):
    """What is written before there is a run to continue goes again, and the same command can be given again."""
    write_text = Run.write_text
    first_name = name if name == "config.yaml" else f".{name}.begin.tmp"

    def full(run: Run, written: str, text: str) -> None:
        if written == first_name:
            limit(10)
        write_text(run, written, text)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_text", full)
        code, out, err = nastk(*EVALUATE, "--run-dir", "run")
    limit(-1)
    assert (code, out, err.splitlines()[-1]) == (2, "", f"Error: run/{first_name}: File too large")
    assert os.listdir() == []
    if name == "config.yaml":
        assert nastk(*EVALUATE, "--run-dir", "run").code == 0
        assert result_of(Path("run")) == result_of(finished_runs["evaluate"])


def test_no_room_for_the_first_checkpoint(nastk, finished_runs, result_of, limit, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", _first(lambda: limit(4000), checkpoint.save))
        code, _, err = nastk(*SEARCH, "--run-dir", "run")
    limit(-1)
    assert (code, err.splitlines()[-1]) == (2, "Error: run/checkpoint.pt: File too large")
    assert os.listdir("run") == ["config.yaml"]
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_room_for_half_a_line(nastk, finished_runs, result_of, limit, monkeypatch):
    def nearly_full() -> None:
        limit(os.path.getsize("run/metrics.jsonl") + 20)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "append_metrics", _first(nearly_full, Run.append_metrics, at=2))
        code, _, err = nastk(*SEARCH, "--run-dir", "run")
    limit(-1)
    assert (code, err.splitlines()[-1]) == (2, "Error: run/metrics.jsonl: File too large")
    assert not Path("run/metrics.jsonl").read_bytes().endswith(b"\n")
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


@pytest.mark.parametrize("name", ["genotype.json", "ranking.json", "cell_normal.svg", "summary.json"])
def test_no_room_for_a_result(name, nastk, finished_runs, result_of, limit, monkeypatch):
    write_text = Run.write_text

    def full(run: Run, written: str, text: str) -> None:
        if written == name:
            limit(100)
        write_text(run, written, text)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_text", full)
        code, out, err = nastk(*SEARCH, "--run-dir", "run")
    limit(-1)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"Error: run/{name}: File too large"
    assert not Path("run", name).exists()
    assert _temporary_files() == []
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["search"])


def test_no_room_for_the_weights(nastk, finished_runs, result_of, limit, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(weights, "save", _first(lambda: limit(1000), weights.save))
        code, out, err = nastk(*EVALUATE, "--run-dir", "run")
    limit(-1)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("Error: run/weights.safetensors: ")
    assert "File too large" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not Path("run/weights.safetensors").exists()
    assert _temporary_files() == []
    assert nastk("evaluate", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(finished_runs["evaluate"])


def test_no_room_for_the_copy_of_the_genotype(nastk, monkeypatch):
    """The run is finished and its result printed; the message says where the genotype is."""
    Path("genotype.json").write_text("mine")

    def fail() -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", _first(fail, os.link))
        patch.setattr(os.path, "lexists", _first(fail, os.path.lexists))
        code, out, err = nastk(*SEARCH, "--run-dir", "run")
    assert code == 2
    assert "normal cell" in out
    last = "Error: ./genotype.json: No space left on device (the genotype is in run/genotype.json)"
    assert err.splitlines()[-1] == last
    assert Path("genotype.json").read_text() == "mine"
    assert _temporary_files() == []
    assert nastk("search", "--resume", "run").code == 0


def test_full_disk(nastk, finished_runs, result_of, monkeypatch):
    """A real one, where the system lets this user mount it; the tests above need no leave."""
    Path("disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", "disk"]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no leave to mount a disk of its own")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(TerminalProgress, "update", _first(_fill_up, TerminalProgress.update, at=2))
            code, out, err = nastk(*SEARCH, "--run-dir", "disk/run")
        assert (code, out) == (2, "")
        assert err.splitlines()[-1] == "Error: disk/run/checkpoint.pt: No space left on device"
        assert torch.load("disk/run/checkpoint.pt")["step"] == 1
        assert sorted(os.listdir("disk/run")) == ["checkpoint.pt", "config.yaml", "metrics.jsonl"]

        code, out, err = nastk("search", "--resume", "disk/run")  # nothing was freed
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].endswith(": No space left on device")
        assert torch.load("disk/run/checkpoint.pt")["step"] == 1

        os.remove("disk/filler")
        assert nastk("search", "--resume", "disk/run").code == 0
        assert result_of(Path("disk/run")) == result_of(finished_runs["search"])
    finally:
        subprocess.run(["umount", "disk"], check=True)


def _fill_up() -> None:
    with open("disk/filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return
