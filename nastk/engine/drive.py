"""drive: step a resumable job to its end, with metrics, checkpoints and signals."""

from __future__ import annotations

import time
from typing import Any

from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.inputs import Inputs
from nastk.engine.job import Job
from nastk.engine.progress import Progress
from nastk.engine.signals import Stopped
from nastk.run import Run


def _step(job: Job, engine: Engine) -> dict[str, Any]:
    """The job's next step; Stopped where it fails after a signal.

    One to all processes ends those that load images, which shows as errors of many types. A fault that has
    nothing to do with it comes again when the run is continued.
    """
    try:
        return job.step()
    except Exception:
        if engine.stop.signal_number is None:
            raise
        raise Stopped(engine.stop.signal_number) from None


def drive(
    job: Job,
    run: Run,
    engine: Engine,
    progress: Progress,
    *,
    config: str,
    checkpoint_every: int,
    checkpoint_seconds: float,
    resume: bool,
    inputs: Inputs | None = None,
) -> tuple[int, float]:
    """Run `job` until it is finished; returns the number of steps and the wall time in s, all sittings added.

    There is a checkpoint before the first step, behind a step if there was none for `checkpoint_every` steps
    and `checkpoint_seconds`, at the end, and after the step in hand on SIGINT or SIGTERM, after which
    signals.Stopped is raised. Where that step is abandoned (engine.signals), the last checkpoint stands.

    config: the text of config.yaml. inputs: what else must be the same when the run is resumed.
    """
    inputs = inputs or Inputs()
    steps, wall_before = 0, 0.0
    if resume:
        content = checkpoint.load(run, engine, config=config, inputs=inputs)
        checkpoint.restore(content, run, engine, job)
        steps, wall_before = content["step"], content["wall_s"]
        for note in checkpoint.notes(content, run, engine, job):
            progress.note(note)
    started = time.monotonic()

    def wall() -> float:
        return wall_before + time.monotonic() - started

    def save() -> None:
        checkpoint.save(
            run,
            engine,
            config=config,
            inputs=inputs,
            step=steps,
            wall_s=wall(),
            job=job.state_dict(),
        )

    if not resume:
        save()
    saved_at, saved_when = steps, time.monotonic()
    with engine.stop.listening(), progress.showing(job.num_steps, steps):
        while not job.finished:
            metrics = _step(job, engine)
            steps += 1
            metrics = {"phase": metrics.pop("phase"), "time_s": round(wall(), 3)} | metrics
            # The line comes before the checkpoint: a crash between the two leaves steps that are
            # logged but done again, never one that is done but not logged.
            run.append_metrics(steps, metrics | {"num_steps": job.num_steps})
            progress.update(steps, metrics)
            due = steps - saved_at >= checkpoint_every and time.monotonic() - saved_when >= checkpoint_seconds
            if due or job.finished or engine.stop.signal_number is not None:
                save()
                saved_at, saved_when = steps, time.monotonic()
            if not job.finished:
                engine.stop.at_step()
    return steps, wall()
