"""nastk evaluate: train the network of a cell and report its accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk.cli.options import CommonOptions, common_options, tell_training

if TYPE_CHECKING:
    from nastk.workflows.records import TrainingRecord


@click.command(short_help="Train the network of a cell, report its accuracy.")
@click.option(
    "--arch",
    metavar="ARCH",
    help="A genotype file or text, a run directory, or a published cell (nastk list archs).",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Start from the weights of an earlier training; brings its cell and its network's size along.",
)
@common_options
def evaluate(arch: str | None, weights: Path | None, options: CommonOptions) -> None:
    """Train the network of a cell: nastk evaluate --arch genotype.json.

    Without --dataset it is the data set that the cell was searched on, or that the weights were trained on.
    The accuracy is that of the last epoch on the test images; test.json has more.
    `nastk config evaluate` prints all KEY=VALUE settings.

    The line `memory:` counts the tensors of the largest training step: activations, weights, gradients,
    momentum. The CPU's allocator can take nearly twice that; the data set and CUDA itself come on top.
    """
    if options.resume is not None:
        options.check_resume(arch=arch, weights=weights)
    elif arch is None and weights is None and options.config is None:
        raise click.UsageError(
            "--arch is missing: a genotype file, a run directory, or a name of nastk list archs"
        )

    from nastk.cli.progress import TerminalProgress
    from nastk.workflows.directory import new_run
    from nastk.workflows.evaluate import configure_evaluate, resume_evaluate
    from nastk.workflows.training import train_network, weights_to_start

    progress = TerminalProgress(plain=options.plain, quiet=options.quiet)
    trained: TrainingRecord | None
    if options.resume is not None:
        trained = resume_evaluate(options.resume, progress)
    else:
        config, found = configure_evaluate(arch, options.request, progress, weights=weights)
        weights = weights_to_start(options.request, arch, weights, found)
        make_run = new_run(options.run_dir, f"evaluate-{found.name}", config.data.dataset)
        trained = train_network(config, found, make_run, progress, weights=weights)
    if trained is not None:
        tell_training(trained, quiet=options.quiet)
