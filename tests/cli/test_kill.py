"""kill -9 at any moment, then --resume: the uninterrupted run's result, bit for bit."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_lines import EVALUATE, SEARCH

DRIVER = Path(__file__).with_name("killing.py")
COMMANDS = {"search": SEARCH, "evaluate": EVALUATE}
# In a new run and in a resumed one, a step does: the line's fsync, torch.save, the checkpoint's file, its
# fsync, its rename, the directory's fsync.
MOMENTS = [
    ["fsync", 1],  # of config.yaml (evaluate: genotype.json): there is no run yet
    ["replace", 1],
    ["torch.save", 1],  # the run has a configuration and no checkpoint
    ["half a file", 1],
    ["half a line", 2],
    ["fsync", 1],  # the line is there, its checkpoint is not
    ["torch.save", 1],
    ["half a file", 1],
    ["fsync", 2],  # the checkpoint is written and has not its name yet
    ["replace", 1],
    ["fsync", 3],  # the checkpoint is there: the first of these that gets on
    ["half a file", 2],
    ["replace", 2],
]


def _drive(command: str, plans: list[Any], folder: Path) -> list[Any]:
    """What each sitting ended with."""
    longer = ["search.generations=5"] if command == "search" else ["train.epochs=5"]
    order = {"arguments": [*COMMANDS[command], *longer], "run": "run", "plans": plans}
    done = subprocess.run(
        [sys.executable, DRIVER],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    ended: list[Any] = json.loads(done.stdout)
    return ended


@pytest.fixture(scope="module", params=COMMANDS)
def uninterrupted(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    [[code, _]] = _drive(request.param, [], folder)
    assert code == 0
    return request.param, folder / "run"


@pytest.mark.slow
def test_chosen_moments(uninterrupted, result_of, tmp_path):
    command, expected = uninterrupted
    ended = _drive(command, MOMENTS, tmp_path)
    assert [code for code, _ in ended] == [-9] * len(MOMENTS) + [0]
    files = [set(names) for _, names in ended]
    assert "config.yaml" not in files[0]
    assert "checkpoint.pt" not in files[2]
    assert ".checkpoint.pt.tmp" in files[3] and "checkpoint.pt" not in files[3]
    assert {".checkpoint.pt.tmp", "checkpoint.pt"} <= files[7]
    assert not any(name.startswith(".") for name in files[-1])
    assert result_of(tmp_path / "run") == result_of(expected)


@pytest.mark.slow
def test_random_moments(uninterrupted, result_of, tmp_path):
    """From outside, in the middle of whatever it is doing; twelve times."""
    command, expected = uninterrupted
    draw = random.Random(command)
    plans = [["time", round(draw.uniform(0.02, 0.9), 3)] for _ in range(12)]
    ended = _drive(command, plans, tmp_path)
    assert ended[-1][0] == 0
    assert {code for code, _ in ended[:-1]} <= {-9}
    assert result_of(tmp_path / "run") == result_of(expected)
