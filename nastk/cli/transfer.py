"""nastk transfer: train the network of a cell on another task."""

from __future__ import annotations

from pathlib import Path

import click

from nastk import registry
from nastk.cli.options import CommonOptions, choose_preset, common_options, say
from nastk.cli.running import new_run, open_resumed, read_resumed_arch
from nastk.cli.training import train_network
from nastk.config import resolve

FOUND_HERE = Path("genotype.json")


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
    from nastk.archs import Arch, load_arch

    if options.resume is not None:
        options.check_resume(task=task, arch=arch, weights=weights)
        run, config = open_resumed(options.resume, "transfer")
        found = read_resumed_arch(run)
        started_from = found.provenance.get("weights")
        if isinstance(started_from, str) and not run.has("checkpoint.pt"):
            weights = Path(started_from)
        train_network(lambda: run, config, found, weights=weights, quiet=options.quiet)
        return
    if task is None:
        raise click.UsageError(f"--task is missing; known: {', '.join(sorted(registry.TASKS))}")
    dataset = registry.find("task", registry.TASKS, task).load().dataset or options.chosen_dataset()
    if dataset is None:
        raise click.UsageError(
            "--task data needs --dataset: a known name, a directory of class folders, or an .npz file"
        )
    if options.chosen_dataset() not in (None, dataset):
        raise click.UsageError(
            f"--task {task} is trained on {dataset}; for another data set: --task data --dataset ..."
        )
    words = options.words(dataset)
    if weights is not None:
        from nastk.networks.weights import load

        loaded = load(weights)
        size = [f"network.{key}={value}" for key, value in loaded.network.items()]
        words = size + words
        if arch is not None and load_arch(arch).genotype != loaded.genotype:
            raise ValueError(f"{weights} holds another cell than --arch {arch}; leave --arch out")
        found = Arch(weights.stem, loaded.genotype, {})
    elif arch is not None:
        found = load_arch(arch)
    elif FOUND_HERE.exists():
        found = load_arch(str(FOUND_HERE))
        say(f"cell: ./{FOUND_HERE}")
    else:
        raise click.UsageError(
            "no cell to transfer: there is no ./genotype.json; run nastk search first, or name one with --arch "
            "(a genotype file, a run directory, or a name of nastk list archs) or --weights"
        )
    make_run = new_run(options, f"transfer-{found.name}", dataset)
    config = resolve("transfer", task, choose_preset(options, dataset), words)
    train_network(make_run, config, found, weights=weights, quiet=options.quiet)
