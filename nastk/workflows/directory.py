"""A run's directory: a new one, or that of an earlier run to go on in."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path

from nastk.config import Config, from_yaml
from nastk.engine.progress import Progress
from nastk.run import CONFIG, SUMMARY, WEIGHTS, Run, RunError, read_text

# Called when all that a user can get wrong has been checked, so that a refused run leaves nothing behind.
OpenRun = Callable[[], Run]


def new_run(path: Path | None, what: str, dataset: str) -> OpenRun:
    """What makes `path`, or runs/<what>-<dataset>-<timestamp>; RunError, at once, if it cannot be made."""
    if path is not None:
        Run.check_new(path)
        return lambda: Run.create(path)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    free = Path("runs") / f"{what}-{Path(dataset).stem}-{stamp}"
    return lambda: Run.create(free, numbered=True)


def read_config(path: Path) -> Config:
    """The configuration of the run in `path`; RunError if it has none that can be read."""
    try:
        text = (path / CONFIG).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise RunError(f"{path} is no run directory (it has no {CONFIG} that can be read)") from None
    return _parsed(text, path / CONFIG)


def read_config_file(path: Path) -> Config:
    """The configuration in a file; RunError if it has none."""
    return _parsed(read_text(path), path)


def _parsed(text: str, path: Path) -> Config:
    try:
        return from_yaml(text)
    except ValueError as error:
        raise RunError(f"{path}: {error}") from None


def open_resumed(path: Path, command: str, progress: Progress) -> tuple[Run, Config] | None:
    """The run to continue and its configuration; RunError if it is another command's.

    None if it is finished, which is said.
    """
    run = Run.open(path)
    try:
        config = read_config(path)
        if config.command != command:
            raise RunError(
                f"{path} is a run of nastk {config.command}: nastk {config.command} --resume {path}"
            )
        if not run.has(SUMMARY):
            return run, config
    except BaseException:
        run.close()
        raise
    run.close()
    result = run.path / ("genotype.json" if command == "search" else SUMMARY)
    longer = ""
    if command != "search":
        weights = shlex.quote(str(run.path / WEIGHTS))
        longer = f"; to train it longer, as a new run: nastk evaluate --weights {weights}"
    progress.note(f"{run.path} is finished; its result is {result}{longer}")
    return None
