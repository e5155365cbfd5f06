"""All that is to be measured once a GPU is at hand, in one call.

    python benchmarks/gpu.py --data-dir DATA --out gpu.md [--device cpu --tiny] [--parts steps,pdarts,...]

Writes a page of tables, part after part, so that what is measured stays if the time runs out:

steps        seconds a step of every job of step_calls.py beside the calls counted there, in fp32, TF32 and bf16, both
             layouts, eager and compiled; peak memory
resume       whether a search that was interrupted ends as an uninterrupted one, with engine.deterministic
evaluation   images/s of the first epochs of the preset paper, and what all of them would take
relativenas  the first pairs of the preset paper, and what all of them would take
pdarts       the whole search of the preset paper, and its cell

--tiny: a few small steps, to see that it runs. CIFAR-10 must be below --data-dir.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch
from device_calls import EnoughCounted, Steps
from step_calls import Start, count_of, jobs

import nastk
from nastk.engine.device import Engine
from nastk.schema import EngineConfig

WARM_UP = 3  # steps whose time is left out
SETTINGS = [
    {"precision": precision, "layout": layout}
    for precision, layout in itertools.product(("fp32", "tf32", "bf16"), ("channels_last", "contiguous"))
]
TINY_RUN = {
    "network.init_channels": 8,
    "network.num_cells": 3,
    "data.max_train": 64,
    "data.max_test": 32,
    "train.batch_size": 16,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--steps", type=int, default=10, help="of each job that are timed")
    parser.add_argument("--parts", default=",".join(PARTS))
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device == "cuda" else platform.machine()
    with options.out.open("w", encoding="utf-8") as page:

        def tell(line: str) -> None:
            print(line, file=page, flush=True)
            print(line, flush=True)

        tell(f"torch {torch.__version__}, {name}, `{' '.join(sys.argv)}`")
        for part in options.parts.split(","):
            tell(f"\n## {part}\n")
            began = time.monotonic()
            try:
                PARTS[part](options, tell)
            except Exception as error:  # the other parts are worth as much
                tell(f"failed: {type(error).__name__}: {error}")
            tell(f"\n({time.monotonic() - began:.0f} s)")


Tell = Callable[[str], None]


def steps(options: argparse.Namespace, tell: Tell) -> None:
    tell("| step | calls | settings | s a step, median (min-max) | peak MiB |\n|---|---|---|---|---|")
    for name, start in jobs(tiny=options.tiny).items():
        calls = count_of(start).calls.total()
        for settings in SETTINGS if options.device == "cuda" else SETTINGS[:1]:
            engine = EngineConfig(device=options.device, **settings)
            with suppress(torch.cuda.OutOfMemoryError):
                seconds, peak = timed(start, engine, options.steps)
                tell(f"| {name} | {calls:,} | {', '.join(settings.values())} | {seconds} | {peak:,.0f} |")


def timed(start: Start, config: EngineConfig, num_steps: int) -> tuple[str, float]:
    """Seconds a step of a job, and the peak of the GPU's memory in MiB (0 on the CPU)."""
    marks: list[float] = []

    def mark() -> None:
        if config.device == "cuda":
            torch.cuda.synchronize()
        marks.append(time.perf_counter())

    engine = Engine(config, seed=0)
    engine.stop = Steps(mark, WARM_UP + num_steps + 1)
    if config.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with engine.in_force(), suppress(EnoughCounted):
        _, run = start(engine)
        run()
    peak = torch.cuda.max_memory_allocated() / 2**20 if config.device == "cuda" else 0.0
    return spell([b - a for a, b in itertools.pairwise(marks[WARM_UP:])]), peak


def resume(options: argparse.Namespace, tell: Tell) -> None:
    settings = {**TINY_RUN, "engine.deterministic": True, "search.population": 4, "search.generations": 2}
    with tempfile.TemporaryDirectory() as folder:
        whole = nastk.search("relativenas", **given(options, folder, "whole", settings, preset="small"))
        with suppress(KeyboardInterrupt):
            stop = given(options, folder, "stopped", settings, preset="small", last_step=2)
            nastk.search("relativenas", **stop)
        again = nastk.open(Path(folder) / "stopped")
        tell(f"interrupted after {len(again.metrics)} of {len(whole.metrics)} steps: ")
        tell("the same result" if again.resume().ranking == whole.ranking else "ANOTHER result")


def evaluation(options: argparse.Namespace, tell: Tell) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp32", "bf16") if options.device == "cuda" else ("fp32",):
            settings = {"engine.precision": precision} | (TINY_RUN if options.tiny else {})
            asked = given(options, folder, precision, settings, last_step=3)
            with suppress(KeyboardInterrupt):
                nastk.evaluate("darts-v2", **asked)
            first_steps(nastk.open(Path(folder) / precision), precision, tell)


def relativenas(options: argparse.Namespace, tell: Tell) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asked = given(options, folder, "run", TINY_RUN if options.tiny else {}, last_step=6)
        with suppress(KeyboardInterrupt):
            nastk.search("relativenas", **asked)
        first_steps(nastk.open(Path(folder) / "run"), "fp32", tell)


def pdarts(options: argparse.Namespace, tell: Tell) -> None:
    tiny = {
        **TINY_RUN,
        "network.num_cells": 3,
        "search.add_cells": [0, 1, 2],
        "train.epochs": 2,
        "search.warmup_epochs": 1,
    }
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        found = nastk.search("pdarts", **given(options, folder, "run", tiny if options.tiny else {}))
        tell(f"{(time.monotonic() - began) / 60:.1f} minutes; {found.genotype.body}")
        for row in found.metrics:
            tell(f"    {row['step']:3} {row['phase']} {row['time_s']:8.1f} s  loss {row['train_loss']:.3f}")


def given(
    options: argparse.Namespace,
    folder: str,
    name: str,
    settings: dict[str, object],
    *,
    preset: str = "paper",
    last_step: int | None = None,
) -> dict[str, object]:
    """The arguments of a run on CIFAR-10, which is interrupted after `last_step` steps."""

    def stop(step: int, _num_steps: int, _figures: dict[str, object]) -> None:
        if step == last_step:
            os.kill(os.getpid(), signal.SIGINT)

    return {
        "dataset": "cifar10",
        "data_dir": options.data_dir,
        "device": options.device,
        "preset": preset,
        "settings": {"run.checkpoint_seconds": 0.0, **settings},
        "run_dir": Path(folder) / name,
        "progress": stop,
    }


def first_steps(run: object, name: str, tell: Tell) -> None:
    """Seconds a step of an interrupted run, without the first, and of all its steps."""
    seconds = list(durations(run.metrics))  # type: ignore[attr-defined]
    num = run.metrics[0]["num_steps"]  # type: ignore[attr-defined]
    hours = statistics.median(seconds) * num / 3600
    tell(f"{name}: {spell(seconds)} s a step, about {hours:.2f} h for all {num} steps")


def durations(metrics: list[dict[str, float]]) -> Iterator[float]:
    for before, after in itertools.pairwise(metrics):
        yield after["time_s"] - before["time_s"]


def spell(values: list[float]) -> str:
    return f"{statistics.median(values):.4f} ({min(values):.4f}-{max(values):.4f})"


PARTS: dict[str, Callable[[argparse.Namespace, Tell], None]] = {
    "steps": steps,
    "resume": resume,
    "evaluation": evaluation,
    "relativenas": relativenas,
    "pdarts": pdarts,
}


if __name__ == "__main__":
    main()
