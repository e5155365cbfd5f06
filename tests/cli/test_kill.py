"""kill -9 at any moment, then --resume: the uninterrupted run's result, bit for bit."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_lines import DARTS, EVALUATE, FEWSHOT, PDARTS, SEARCH
from PIL import Image

DRIVER = Path(__file__).with_name("killing.py")
COMMANDS = {
    "search": [*SEARCH, "search.generations=5"],
    "evaluate": [*EVALUATE, "train.epochs=5"],
    "evaluate, seldom saved": [*EVALUATE, "train.epochs=15", "run.checkpoint_seconds=0.3"],
    "darts": DARTS,
    "pdarts": PDARTS,
    "fewshot": FEWSHOT,
}
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
# P-DARTS, two epochs a stage. A stage is built by a new search, when one resumes, and when the stage before ends.
MOMENTS_OF_STAGES = [
    ["stage", 2],  # the second stage is about to begin; the checkpoint is that of the first's warm-up
    ["stage", 3],  # once more, in a resumed run
    ["half a line", 1],  # of the epoch that ended the first stage
    ["torch.save", 1],  # the line is there, the first checkpoint of the second stage is not
    ["half a file", 1],
    ["replace", 1],
    ["torch.save", 2],  # the second stage's warm-up is done and not saved
    ["torch.save", 1],  # once more: this run began where the stage does
    ["stage", 3],  # the third stage is about to begin
    ["replace", 1],
    ["half a line", 1],  # of the third stage's warm-up
    ["torch.save", 2],  # the last epoch is done and not saved
    ["replace", 2],  # the last checkpoint is there, the first of the results has not its name yet
]


def _drive(command: str, plans: list[Any], folder: Path) -> list[Any]:
    """What each sitting ended with."""
    order = {"arguments": COMMANDS[command], "run": "run", "plans": plans}
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


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The run of a command that nobody kills."""

    @functools.cache
    def run(command: str) -> Path:
        folder = tmp_path_factory.mktemp(command)
        [[code, _]] = _drive(command, [], folder)
        assert code == 0
        return folder / "run"

    return run


@pytest.mark.slow
@pytest.mark.parametrize("command", ["search", "evaluate"])
def test_chosen_moments(command, uninterrupted, result_of, tmp_path):
    ended = _drive(command, MOMENTS, tmp_path)
    assert [code for code, _ in ended] == [-9] * len(MOMENTS) + [0]
    files = [set(names) for _, names in ended]
    assert "config.yaml" not in files[0]
    assert "checkpoint.pt" not in files[2]
    assert ".checkpoint.pt.tmp" in files[3] and "checkpoint.pt" not in files[3]
    assert {".checkpoint.pt.tmp", "checkpoint.pt"} <= files[7]
    assert not any(name.startswith(".") for name in files[-1])
    assert result_of(tmp_path / "run") == result_of(uninterrupted(command))


@pytest.mark.slow
def test_moments_where_a_stage_changes(uninterrupted, result_of, tmp_path):
    ended = _drive("pdarts", MOMENTS_OF_STAGES, tmp_path)
    assert [code for code, _ in ended] == [-9] * len(MOMENTS_OF_STAGES) + [0]
    assert result_of(tmp_path / "run") == result_of(uninterrupted("pdarts"))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_random_moments(command, uninterrupted, result_of, tmp_path):
    """From outside, in the middle of whatever it is doing; twelve times."""
    draw = random.Random(command)
    plans = [["time", round(draw.uniform(0.02, 0.9), 3)] for _ in range(12)]
    ended = _drive(command, plans, tmp_path)
    assert ended[-1][0] == 0
    assert {code for code, _ in ended[:-1]} <= {-9}
    assert result_of(tmp_path / "run") == result_of(uninterrupted(command))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_no_process_outlives_a_killed_run(tmp_path):
    """Those that decode images end with it."""
    generator = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "images" / "train" / name).mkdir(parents=True)
        for number in range(20):
            pixels = generator.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / "train" / name / f"{number}.png")
    words = [*SEARCH, "--preset", "quick", "--dataset", "images", "data.resident_mib=0", "--run-dir", "run"]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nastk", *map(str, words), "search.generations=1000"],
            cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until(lambda: (tmp_path / "run/metrics.jsonl").exists(), process)
        assert len(_alive(process.pid)) > 1
    finally:
        process.kill()
        process.wait()
    _wait_until(lambda: not _alive(process.pid))


def _alive(session: int) -> list[str]:
    """The processes of a session that are no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has gone meanwhile
            state, _, _, number = path.read_text().rpartition(") ")[2].split()[:4]
            if int(number) == session and state != "Z":
                found.append(path.parent.name)
    return found


def _wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + 180
    while not happened():
        assert time.monotonic() < end
        assert process is None or process.poll() is None
        time.sleep(0.1)
