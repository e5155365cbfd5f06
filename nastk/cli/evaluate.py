"""nastk evaluate: train the network of a cell and report its accuracy."""

from __future__ import annotations

import click

from nastk.cli.options import CommonOptions, choose_preset, common_options, say
from nastk.cli.running import new_run, open_resumed, read_resumed_arch
from nastk.cli.training import train_network
from nastk.config import resolve


@click.command(short_help="Train the network of a cell, report its accuracy.")
@click.option(
    "--arch",
    metavar="ARCH",
    help="A genotype file or text, a run directory, or a published cell (nastk list archs).",
)
@common_options
def evaluate(arch: str | None, options: CommonOptions) -> None:
    """Train the network of a cell from scratch: nastk evaluate --arch genotype.json.

    Without --dataset it is the data set that the cell was searched on. The accuracy is that of the last
    epoch on the test images. `nastk config evaluate` prints all KEY=VALUE settings.

    The line `memory:` counts the tensors of the largest training step: activations, weights, gradients,
    momentum. The CPU's allocator can take nearly twice that; the data set and CUDA itself come on top.
    """
    from nastk.archs import load_arch

    if options.resume is not None:
        options.check_resume(arch=arch)
        run, config = open_resumed(options.resume, "evaluate")
        train_network(lambda: run, config, read_resumed_arch(run), weights=None, quiet=options.quiet)
        return
    if arch is None:
        raise click.UsageError(
            "--arch is missing: a genotype file, a run directory, or a name of nastk list archs"
        )
    found = load_arch(arch)
    dataset = options.chosen_dataset()
    if dataset is None:
        searched_on = found.provenance.get("dataset")
        dataset = searched_on if isinstance(searched_on, str) else "digits"
        say(f"data set: {dataset} ({'the cell was searched on it' if searched_on else 'comes with nastk'})")
    make_run = new_run(options, f"evaluate-{found.name}", dataset)
    config = resolve("evaluate", found.name, choose_preset(options, dataset), options.words(dataset))
    train_network(make_run, config, found, weights=None, quiet=options.quiet)
