"""The course of a run: its directory, driving it, what it leaves behind."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from nastk import __version__
from nastk.cli.options import CommonOptions, say
from nastk.config import Config, flatten, from_yaml, resolve, to_yaml
from nastk.run import Run, RunError

if TYPE_CHECKING:
    from nastk.engine.device import Engine
    from nastk.engine.drive import Job
    from nastk.genotype import Genotype


def new_run_path(options: CommonOptions, what: str, dataset: str) -> Path:
    """--run-dir, or runs/<what>-<dataset>-<timestamp>; RunError if it cannot be made."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path = options.run_dir or Path("runs") / f"{what}-{Path(dataset).stem}-{stamp}"
    Run.check_new(path)
    return path


def open_resumed(path: Path, command: str) -> tuple[Run, Config]:
    """The run to continue and its configuration; RunError if it is another command's."""
    run = Run.open(path)
    config = from_yaml(run.read_text("config.yaml"))
    if config.command != command:
        raise RunError(f"{path} is a run of nastk {config.command}: nastk {config.command} --resume {path}")
    return run, config


def drive_job(
    job: Job, run: Run, engine: Engine, config: Config, *, quiet: bool, resume: bool
) -> tuple[int, float]:
    """engine.drive with this terminal; on a signal, says how to resume and exits 130 or 143."""
    from nastk.engine.drive import drive
    from nastk.engine.progress import Progress
    from nastk.engine.signals import Stopped

    progress = Progress(Console(stderr=True), quiet=quiet)
    say(f"run directory: {run.path} ({engine.describe()}, seed {config.run.seed})")
    try:
        return drive(
            job,
            run,
            engine,
            progress,
            config=to_yaml(config),
            checkpoint_every=config.run.checkpoint_every,
            resume=resume,
        )
    except Stopped as stopped:
        say(f"Stopped by {stopped}. To continue: nastk {config.command} --resume {run.path}")
        raise click.exceptions.Exit(128 + stopped.signal_number) from None


def write_summary(
    run: Run, config: Config, engine: Engine, *, steps: int, wall_s: float, **content: Any
) -> None:
    about = "method" if config.command == "search" else "arch"
    run.write_json(
        "summary.json",
        {"command": config.command}
        | ({} if about in content else {about: config.name})
        | {"dataset": config.data.dataset, "seed": config.run.seed}
        | content
        | {
            "wall_s": round(wall_s, 3),
            "steps": steps,
            "device": engine.describe(),
            "versions": {
                "nastk": __version__,
                "torch": version("torch"),
                "python": platform.python_version(),
            },
        },
    )


def reproduce_command(config: Config) -> str:
    """The command line that gives this configuration: what differs from the preset is spelt out."""
    flag = {"search": "--method", "evaluate": "--arch", "transfer": "--task"}[config.command]
    preset = dict(_values(resolve(config.command, config.name, config.preset, [])))
    words = [f"{key}={value}" for key, value in _values(config) if preset[key] != value]
    return " ".join(["nastk", config.command, flag, config.name, "--preset", config.preset, *words])


def _values(config: Config) -> list[tuple[str, Any]]:
    return list(flatten({group: vars(values) for group, values in config.groups()}))


def write_result_file(name: str, text: str) -> Path:
    """Write ./name; a different file already there is first renamed name.1, name.2, ...: nothing is lost."""
    path = Path(name)
    try:
        if path.exists() and path.read_text(encoding="utf-8") != text:
            number = 1
            while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
                number += 1
            os.rename(path, kept)
            say(f"kept the earlier {path} as {kept}")
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from None
    return path


def network_size(genotype: Genotype, image_shape: tuple[int, int, int], num_classes: int) -> tuple[int, int]:
    """Parameters and MACs of the genotype's network in the size of the publications: 36 channels, 20 cells."""
    import torch

    from nastk import registry
    from nastk.networks.counting import count_macs, count_parameters

    with torch.device("meta"):
        network = registry.SPACES[genotype.space].load_network()(
            genotype, init_channels=36, num_cells=20, num_classes=num_classes, channels_in=image_shape[0]
        )
        return count_parameters(network), count_macs(network, image_shape)
