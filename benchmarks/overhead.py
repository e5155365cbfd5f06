"""What a run costs besides its training: its start and its checkpoints. Prints two tables of docs/results.md.

    python benchmarks/overhead.py [--repeats 7] [--sources DIR DIR ...]

CPU seconds of processes with one thread; sources: checkouts that are compared, measured in turns. The start: from the
command to the end of the first training step (one batch) on the digits, preset quick. A checkpoint: RelativeNAS at
paper size (16 channels, 8 cells, 32x32), the job's state, its digest, the file, fsync.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = {
    "search, relativenas": ["search", "--method", "relativenas"],
    "search, pdarts": ["search", "--method", "pdarts"],
    "evaluate": ["evaluate", "--arch", "darts-v2", "--dataset", "digits"],
}
PAPER = [
    *("search", "--method", "relativenas", "--preset", "paper", "--dataset", "digits"),
    *("data.image_size=32", "data.max_train=40", "train.batch_size=2"),
]

SAVES = 9  # in one process, of which the median is taken
# It is told when the first batch's loss is added up, which is behind the optimiser's step, and leaves.
START = """
import os, sys, time
import nastk.engine.training

def leave(*_):
    print(time.process_time(), flush=True)
    os._exit(0)

nastk.engine.training.Meter.add = leave
import nastk.cli
nastk.cli.run(sys.argv[1:])
"""
CHECKPOINTS = """
import os, pathlib, sys, time
import nastk.cli
from nastk.engine import checkpoint
from nastk.engine.inputs import Inputs
from nastk.methods.relativenas import RelativeNAS
from nastk.run import Run

def leave(job):
    engine, run = job.context.engine, Run.create(pathlib.Path("measured"))
    for _ in range(NUM):
        began = time.process_time()
        checkpoint.save(run, engine, config="", inputs=Inputs(), step=0, wall_s=0.0, job=job.state_dict())
        print(time.process_time() - began, flush=True)
    os._exit(0)

RelativeNAS.step = leave
nastk.cli.run(sys.argv[1:])
"""


def seconds(code: str, words: list[str], source: Path) -> list[float]:
    """The CPU seconds that a process with nastk of `source` prints."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--device", "cpu", "--quiet", "--run-dir", "run"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def cells(measured: list[list[float]], digits: int) -> str:
    """Median (min-max) of each source."""
    return " | ".join(
        f"{statistics.median(one):.{digits}f} ({min(one):.{digits}f}-{max(one):.{digits}f})"
        for one in measured
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--sources", type=Path, nargs="+", default=[Path(__file__).parents[1]])
    options = parser.parse_args()
    sources = [source.absolute() for source in options.sources]
    head = "".join(f" {source.name} |" for source in sources)
    print(f"| to the first training step, CPU s |{head}\n|---|{'---|' * len(sources)}")
    for name, words in COMMANDS.items():
        found: list[list[float]] = [[] for _ in sources]
        for _ in range(options.repeats):
            for place, source in enumerate(sources):
                found[place] += seconds(START, words, source)
        print(f"| {name} | {cells(found, 1)} |", flush=True)
    print(f"\n| a checkpoint, CPU s |{head}\n|---|{'---|' * len(sources)}")
    code = CHECKPOINTS.replace("NUM", str(SAVES))
    found = [[] for _ in sources]
    for _ in range(options.repeats):
        for place, source in enumerate(sources):
            found[place].append(statistics.median(seconds(code, PAPER, source)))
    print(f"| RelativeNAS, paper | {cells(found, 3)} |")


if __name__ == "__main__":
    main()
