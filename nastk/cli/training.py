"""What evaluate and transfer share: training one network of a genotype, and reporting it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk.cli.options import say
from nastk.cli.running import drive_job, write_summary
from nastk.config import Config, to_yaml
from nastk.run import Run

if TYPE_CHECKING:
    from nastk.archs import Arch
    from nastk.data.images import ImageSet
    from nastk.engine.device import Engine
    from nastk.estimators.standalone import StandaloneTraining
    from nastk.genotype import Genotype


def train_network(
    open_run: Callable[[], Run],
    config: Config,
    found: Arch,
    *,
    weights: Path | None,
    quiet: bool,
) -> None:
    """Train the architecture's network to its end, from the run's checkpoint if it has one.

    open_run is called when all that a user can get wrong has been checked.
    weights: start from this file of an earlier evaluation instead of from scratch.
    """
    from nastk.engine.device import Engine
    from nastk.genotype import to_json
    from nastk.networks import weights as weight_files
    from nastk.networks.counting import count_macs, count_parameters
    from nastk.report.drawings import draw_files

    genotype = found.genotype
    engine = Engine(config.engine, config.run.seed)
    job, train = _build(config, genotype, engine, weights)
    network = job.network
    params = count_parameters(network) - (count_parameters(network.auxiliary) if network.auxiliary else 0)
    macs = count_macs(network, train.shape)

    run = open_run()
    if not run.has("config.yaml"):  # which comes last, so that a run that has it can be continued
        provenance = {name: value for name, value in found.provenance.items() if name != "weights"}
        provenance["arch"] = found.name
        if weights is not None:
            provenance["weights"] = str(weights.resolve())
        run.write_text("genotype.json", to_json(genotype, provenance))
        for file, picture in draw_files(genotype, "cell").items():
            run.write_text(f"{file}.svg", picture)
    steps, wall_s = drive_job(
        job, run, engine, config, quiet=quiet, started_with={"genotype.json": to_json(genotype)}
    )

    data = {"classes": train.classes, "shape": train.shape, "mean": train.mean, "std": train.std}
    with run.replacing("weights.safetensors") as path:
        weight_files.save(
            path,
            network,
            genotype,
            network=dataclasses.asdict(config.network),
            data=data,
            config=to_yaml(config),
        )
    score = {"name": "accuracy", "value": job.test_accuracy, "direction": "max", "split": "test"}
    write_summary(
        run,
        config,
        engine,
        steps=steps,
        wall_s=wall_s,
        arch=found.name,
        score=score,
        params=params,
        macs=macs,
        test_accuracy=job.test_accuracy,
        test_accuracy_best=job.test_accuracy_best,
    )
    click.echo(
        f"test accuracy {job.test_accuracy:.2f} % (last of {steps} epochs), {params:,} parameters, {macs:,} MACs"
    )
    say(f"weights: {run.path / 'weights.safetensors'}")


def _build(
    config: Config, genotype: Genotype, engine: Engine, weights: Path | None
) -> tuple[StandaloneTraining, ImageSet]:
    """The training of the genotype's network, and the images it trains on."""
    from nastk import registry
    from nastk.data.augmentation import Augmentation
    from nastk.data.batches import Batches
    from nastk.data.sources import load_images
    from nastk.engine.training import initialise
    from nastk.estimators.standalone import StandaloneTraining
    from nastk.networks import weights as weight_files

    registry.SPACES[genotype.space].check_networks()
    train = load_images(config.data, "train")
    test = load_images(config.data, "test", like=train)
    for note in train.notes + test.notes:
        say(note)
    network = registry.SPACES[genotype.space].load_network()(
        genotype,
        **dataclasses.asdict(config.network),
        num_classes=len(train.classes),
        channels_in=train.shape[0],
        image_size=train.shape[1:],
    )
    initialise(network, engine.streams["initialisation"])
    if weights is not None and weight_files.adopt(network, weight_files.load(weights), weights):
        say(f"the classifier of {weights} has other classes: it starts afresh")
    augmentation = Augmentation(pad=config.data.pad, flip=config.data.flip, cutout=config.data.cutout)
    job = StandaloneTraining(
        engine.place(network),
        Batches(train.to(engine.device), config.train.batch_size, augmentation=augmentation, shuffle=True),
        Batches(test.to(engine.device), config.train.eval_batch_size),
        config.train,
        engine,
        compile=config.engine.compile,
    )
    return job, train
