"""nastk transfer: train the network of a cell on another task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk import registry
from nastk.cli.options import CommonOptions, common_options, tell_training

if TYPE_CHECKING:
    from nastk.workflows.records import TrainingRecord


@click.command(short_help="The same cell on another data set or task.")
@click.option(
    "--task", metavar="TASK", help="What to train for (nastk list tasks); `data` takes any --dataset."
)
@click.option(
    "--arch",
    metavar="ARCH",
    help="A genotype file or text, a run directory, or a published cell (./genotype.json).",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Start from the weights of an evaluation; brings its cell and its network's size along.",
)
@common_options
def transfer(task: str | None, arch: str | None, weights: Path | None, options: CommonOptions) -> None:
    """Train the same cell on another data set or task: nastk transfer --task cifar100.

    `nastk config transfer` prints all KEY=VALUE settings.

    The line `memory:` counts the tensors of the largest training step: activations, weights, gradients,
    momentum. The CPU's allocator can take nearly twice that; the data set and CUDA itself come on top.
    """
    if options.resume is not None:
        options.check_resume(task=task, arch=arch, weights=weights)
    elif task is None and options.config is None:
        raise click.UsageError(f"--task is missing; known: {', '.join(sorted(registry.TASKS))}")

    from nastk.cli.progress import TerminalProgress
    from nastk.workflows.directory import new_run
    from nastk.workflows.training import train_network, weights_to_start
    from nastk.workflows.transfer import configure_transfer, resume_transfer

    progress = TerminalProgress(plain=options.plain, quiet=options.quiet)
    trained: TrainingRecord | None
    if options.resume is not None:
        trained = resume_transfer(options.resume, progress)
    else:
        config, found = configure_transfer(task, arch, weights, options.request, progress)
        weights = weights_to_start(options.request, arch, weights, found)
        make_run = new_run(options.run_dir, f"transfer-{found.name}", config.data.dataset)
        trained = train_network(config, found, make_run, progress, weights=weights)
    if trained is not None:
        tell_training(trained, quiet=options.quiet)
