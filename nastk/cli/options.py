"""The options that search, evaluate and transfer share, and what follows from them."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from nastk import registry
from nastk.config import absolute_path


@dataclass
class CommonOptions:
    """The flags that search, evaluate and transfer share, and the KEY=VALUE words."""

    dataset: str | None
    data_dir: str | None
    preset: str | None
    run_dir: Path | None
    resume: Path | None
    seed: int | None
    device: str | None
    quiet: bool
    overrides: tuple[str, ...]

    def words(self, dataset: str) -> list[str]:
        """All overrides; the flags stand behind the KEY=VALUE words and so have the last word."""
        flags = {
            "data.dataset": _absolute_if_there(dataset),
            "data.dir": self.data_dir,
            "run.seed": self.seed,
            "engine.device": self.device,
        }
        return [*self.overrides] + [f"{key}={value}" for key, value in flags.items() if value is not None]

    def chosen_dataset(self) -> str | None:
        """The data set that was asked for, by flag or by key."""
        return self._chosen(self.dataset, "data.dataset")

    def _chosen(self, flag: str | None, key: str) -> str | None:
        named = [word.partition("=")[2] for word in self.overrides if word.startswith(f"{key}=")]
        return flag if flag is not None else named[-1] if named else None

    def chosen_device(self) -> str | None:
        """The device that was asked for, by flag or by key."""
        return self._chosen(self.device, "engine.device")

    def check_resume(self, **own: Any) -> None:
        """--resume goes on with the run's own configuration: nothing else may be asked for."""
        flags = own | {
            name: getattr(self, name)
            for name in ("dataset", "data_dir", "preset", "run_dir", "seed", "device")
        }
        given = [f"--{name.replace('_', '-')}" for name, value in flags.items() if value is not None]
        if given or self.overrides:
            raise click.UsageError(
                f"--resume continues a run with its own configuration; leave out {(given + list(self.overrides))[0]}"
            )


def _absolute_if_there(dataset: str) -> str:
    """A known name as it is; a path as an absolute one, if it exists: else it may be a name misspelt."""
    if dataset in registry.DATASETS:
        return dataset
    path = absolute_path(dataset)
    return path if os.path.exists(path) else dataset


def common_options(command: Callable[..., None]) -> Callable[..., None]:
    """COMMON of the command line's contract, handed to the command as `options`."""
    names = [field.name for field in dataclasses.fields(CommonOptions)]

    @functools.wraps(command)
    def gathering(**values: Any) -> None:
        command(options=CommonOptions(**{name: values.pop(name) for name in names}), **values)

    decorators = [
        click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]..."),
        click.option(
            "--dataset",
            metavar="DATASET",
            help="A known name, a directory of class folders, or an .npz file.",
        ),
        click.option(
            "--data-dir", metavar="DIR", help="Where known data sets are looked for (~/.cache/nastk)."
        ),
        click.option("--preset", metavar="PRESET", help="quick, small, paper, or one of the method's own."),
        click.option(
            "--run-dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="New directory for the run's files.",
        ),
        click.option(
            "--resume", type=click.Path(path_type=Path), metavar="DIR", help="Continue the run in DIR."
        ),
        click.option("--seed", type=int, metavar="N", help="Seed of all random streams (0)."),
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute (auto)."),
        click.option("--quiet", is_flag=True, help="Plain lines instead of a live table."),
    ]
    decorated: Callable[..., None] = gathering
    for decorate in reversed(decorators):
        decorated = decorate(decorated)
    return decorated


def say(text: str) -> None:
    """A line for a person: stderr, so that stdout holds data only."""
    click.echo(text, err=True)


def choose_preset(options: CommonOptions, dataset: str) -> str:
    """The preset asked for, else quick for digits, paper on CUDA, small on the CPU: said in one line."""
    if options.preset:
        return options.preset
    if dataset == "digits":
        say("preset: quick (made for the digits; --preset chooses another)")
        return "quick"
    import torch

    on_cuda = options.chosen_device() != "cpu" and torch.cuda.is_available()
    preset = "paper" if on_cuda else "small"
    say(
        f"preset: {preset} ({'there is a CUDA device' if on_cuda else 'on the CPU'}; --preset chooses another)"
    )
    return preset
