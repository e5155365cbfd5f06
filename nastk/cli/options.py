"""The options that search, evaluate and transfer share, and what follows from them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nastk.workflows.request import Request

if TYPE_CHECKING:
    from nastk.workflows.records import TrainingRecord


@dataclass
class CommonOptions:
    """The flags that search, evaluate and transfer share, and the KEY=VALUE words."""

    dataset: str | None
    data_dir: str | None
    preset: str | None
    config: Path | None
    run_dir: Path | None
    resume: Path | None
    seed: int | None
    device: str | None
    plain: bool
    quiet: bool
    overrides: tuple[str, ...]

    @property
    def request(self) -> Request:
        """What is asked for, of a run that begins anew."""
        return Request(
            words=self.overrides,
            dataset=self.dataset,
            data_dir=self.data_dir,
            preset=self.preset,
            seed=self.seed,
            device=self.device,
            config_file=self.config,
        )

    def check_resume(self, **own: Any) -> None:
        """--resume goes on with the run's own configuration: nothing else may be asked for."""
        flags = own | {
            name: getattr(self, name)
            for name in ("dataset", "data_dir", "preset", "config", "run_dir", "seed", "device")
        }
        given = [f"--{name.replace('_', '-')}" for name, value in flags.items() if value is not None]
        if given or self.overrides:
            raise click.UsageError(
                f"--resume continues a run with its own configuration; leave out {(given + list(self.overrides))[0]}"
            )


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
            help="A known name, a directory of class folders, or a .csv, .zip or .npz file.",
        ),
        click.option(
            "--data-dir", metavar="DIR", help="Where known data sets are looked for (~/.cache/nastk)."
        ),
        click.option("--preset", metavar="PRESET", help="quick, small, paper, or one of the method's own."),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Begin with the config.yaml of an earlier run; flags and KEY=VALUE change it.",
        ),
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
        click.option("--plain", is_flag=True, help="Plain lines instead of a live table."),
        click.option("--quiet", is_flag=True, help="Errors and the result only."),
    ]
    decorated: Callable[..., None] = gathering
    for decorate in reversed(decorators):
        decorated = decorate(decorated)
    return decorated


def say(text: str) -> None:
    """A line for a person: stderr, so that stdout holds data only."""
    click.echo(text, err=True)


def tell_training(trained: TrainingRecord, *, quiet: bool) -> None:
    """The result of an evaluation or a transfer."""
    click.echo(trained.result_text, nl=False)
    if quiet:
        return
    if trained.weights_best is not None:
        validation = trained.summary["validation"]
        best = validation["best"]
        if validation["stopped_early"]:
            say(f"stopped early: no better validation loss after epoch {best['epoch']} (train.patience)")
        say(
            f"best by validation: epoch {best['epoch']}, validation accuracy {best['accuracy']:.2f} %, test accuracy "
            f"{best['test_accuracy']:.2f} %: {trained.weights_best}"
        )
    say(f"weights: {trained.weights}")
