"""How long a run will take, and a budget that fits into a given time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from nastk.budget import with_share
from nastk.config import Config, setting_word
from nastk.engine.job import Job
from nastk.engine.progress import Progress
from nastk.wording import counted

J = TypeVar("J", bound=Job)
ROUNDS = 3  # budgets are whole numbers, and not all of a method's cost is in proportion to them


def fit_to_minutes(
    config: Config,
    job: J,
    budget: Sequence[str],
    seconds: Callable[[J], float | None],
    build: Callable[[Config], J],
    progress: Progress,
) -> tuple[Config, J, float | None]:
    """The configuration whose budget takes `run.minutes`, about, its job, and what that takes in seconds.

    Without that key the configuration and the job are those given.

    budget: the keys that the cost is proportional to, the main one first. seconds: what a job takes, None where
    that is nothing worth fitting. build: the job of a configuration. Says what was chosen.
    """
    fitted, share, found = config, 1.0, seconds(job)
    if config.run.minutes is None:
        return config, job, found
    if found is None:
        progress.note("run.minutes: nothing is trained here, so that nothing was fitted to the time")
        return config, job, None
    for _ in range(ROUNDS):
        share *= 60 * config.run.minutes / found
        before, fitted = fitted, with_share(config, budget, share)
        if fitted.settings() == before.settings():
            break
        try:
            job = build(fitted)
        except ValueError as error:
            raise ValueError(f"run.minutes={config.run.minutes:g}: {error}") from None
        again = seconds(job)
        assert again is not None
        found = again
    settings, before_all = fitted.settings(), config.settings()
    words = [
        f"{setting_word(key, settings[key])} (instead of {before_all[key]})"
        for number, key in enumerate(budget)
        if number == 0 or settings[key] != before_all[key]
    ]
    progress.note(f"run.minutes={config.run.minutes:g}: {', '.join(words)}, about {duration(found)}")
    return fitted, job, found


def time_note(seconds: float, num_steps: int) -> str:
    return (
        f"time: about {duration(seconds)}: {counted(num_steps, 'step')} of about {duration(seconds / num_steps)} "
        "(measured on one batch)"
    )


def duration(seconds: float) -> str:
    """For a person: 0.4 s, 12 s, 5 min, 3.2 h."""
    if seconds < 10:
        return f"{seconds:.1g} s" if seconds < 1 else f"{seconds:.0f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
