"""Driving a run's job to its end, with what a person should know beforehand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import torch

from nastk.config import Config, to_yaml
from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.drive import drive
from nastk.engine.inputs import Inputs
from nastk.engine.job import Job
from nastk.engine.memory import free_bytes
from nastk.engine.progress import Progress
from nastk.engine.signals import Stopped
from nastk.run import CONFIG, Run
from nastk.wording import counted
from nastk.workflows.tensorboard import Mirrored


def drive_job(
    job: Job,
    run: Run,
    engine: Engine,
    config: Config,
    progress: Progress,
    *,
    inputs: Inputs,
    files: Mapping[str, str] = {},
) -> tuple[int, float]:
    """engine.drive, from the run's checkpoint if it has one: the number of steps, the wall time in s.

    inputs: what else must be the same when the run is continued. files: the texts that a new run begins with.

    config.yaml is there from here on, and so the run can be continued. On a signal, and on an impatient
    second one, says how, and raises Stopped or KeyboardInterrupt. ValueError where GPU memory runs out,
    with what to try.
    """
    if config.run.tensorboard:
        progress = Mirrored(progress, run.path)
    resume = run.has(checkpoint.NAME)
    memory = job.peak_memory() if not resume else None
    if memory is not None:
        _check_memory(memory, engine, config, progress)
    if not run.has(CONFIG):
        run.begin(to_yaml(config), files)
    text = run.read_text(CONFIG)  # of an older nastk, it may lack a key or comment on one otherwise
    to_continue = f"To continue: nastk {config.command} --resume {shlex.quote(str(run.path))}"
    engine.stop.on_waiting = lambda: progress.stopped(
        "stopping after this step, or within 10 s; Ctrl-C again stops at once"
    )
    progress.note(f"run directory: {run.path} ({engine.describe()}, seed {config.run.seed})")
    try:
        return drive(
            job,
            run,
            engine,
            progress,
            config=text,
            checkpoint_every=config.run.checkpoint_every,
            checkpoint_seconds=config.run.checkpoint_seconds,
            resume=resume,
            inputs=inputs,
        )
    except Stopped as stopped:
        progress.stopped(f"Stopped by {stopped}. {to_continue}")
        raise
    except torch.OutOfMemoryError as error:
        anew = " in a new run: a resumed one keeps its configuration" if resume else ""
        raise ValueError(f"out of GPU memory; try {_smaller(config)}{anew}") from error
    except KeyboardInterrupt:
        progress.stopped(to_continue)
        raise


def _check_memory(memory: int, engine: Engine, config: Config, progress: Progress) -> None:
    """Tell what a step takes; with what to set if it is more than half of what is free, ValueError if more than that.

    (The allocator may need nearly twice what is counted.)
    """
    images = f"{counted(config.train.batch_size, 'image')} (train.batch_size)"
    needs, free = f"about {_binary(memory)} for a step on {images}", free_bytes(engine.device)
    if free is not None and memory > free:
        raise ValueError(
            f"memory: {needs}, more than the {_binary(free)} that are free; try {_smaller(config)}"
        )
    much = free is not None and memory > free / 2
    beside = (
        f", more than half of the {_binary(free or 0)} that are free: half as much with {_smaller(config)}"
    )
    progress.note(f"memory: {needs}{beside if much else ''}")


def _binary(num_bytes: int) -> str:
    """A number of bytes for a person: 5.3 GiB, 840 MiB."""
    mib = num_bytes / 2**20
    return f"{mib / 1024:.1f} GiB" if mib >= 1000 else f"{max(1, round(mib))} MiB"


def _smaller(config: Config) -> str:
    """The words that halve what a step takes: the batch, else the network."""
    batch_size, channels = config.train.batch_size, config.network.init_channels
    words = []
    if batch_size > 1:
        words.append(f"train.batch_size={batch_size // 2}")
    elif channels > 1:
        words.append(f"network.init_channels={channels // 2}")
    testing = getattr(config.train, "eval_batch_size", 1)  # only where test images are looked at
    if testing > 1:
        words.append(f"train.eval_batch_size={testing // 2}")
    return " ".join(words) or "engine.device=cpu"
