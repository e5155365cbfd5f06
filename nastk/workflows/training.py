"""What evaluate and transfer share: training one network of a genotype."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from functools import partial
from pathlib import Path

from nastk import registry
from nastk.archs import RUN_FILE, Arch, list_archs, load_arch
from nastk.config import Config, to_yaml
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ImageSet
from nastk.data.training_images import load_training_images
from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.engine.training import initialise
from nastk.genotype import Genotype, to_json
from nastk.networks import weights as weight_files
from nastk.networks.classifier import WEIGHTS_BEST
from nastk.networks.counting import count_macs, count_parameters
from nastk.report.drawings import draw_files
from nastk.run import WEIGHTS, Run, RunError
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training
from nastk.workflows.directory import OpenRun, open_resumed
from nastk.workflows.driving import drive_job
from nastk.workflows.inputs import RunInputs
from nastk.workflows.records import TEST, TrainingRecord
from nastk.workflows.request import Request
from nastk.workflows.result_text import training_result
from nastk.workflows.summary import write_summary
from nastk.workflows.timing import fit_to_minutes, time_note
from nastk.workflows.worst_images import write_worst


def train_network(
    config: Config,
    found: Arch,
    open_run: OpenRun,
    progress: Progress,
    *,
    weights: Path | None = None,
    fresh: bool = True,
) -> TrainingRecord:
    """Train the architecture's network to its end, from the run's checkpoint if it has one.

    fresh: the run is a new one, whose epochs may be fitted to `run.minutes`.
    weights: start from this file of an earlier evaluation instead of from scratch.
    Raises Stopped or KeyboardInterrupt on a signal: the run can then be continued.
    """
    engine = Engine(config.engine, config.run.seed)
    with engine.in_force():
        inputs = RunInputs(config, {RUN_FILE: to_json(found.genotype)})
        job, train = _build(config, found.genotype, engine, weights, inputs, progress)
        if fresh:
            config, job, seconds = fit_to_minutes(
                config,
                job,
                ("train.epochs", "train.warmup_epochs"),
                lambda job: job.seconds(),
                lambda fitted: _build(
                    fitted,
                    found.genotype,
                    Engine(config.engine, config.run.seed),
                    weights,
                    inputs,
                    Progress(),
                )[0],
                progress,
            )
            engine = job.engine
            assert seconds is not None
            progress.note(time_note(seconds, job.num_steps))
        with closing(open_run()) as run:
            files = _arch_files(found, weights)
            steps, wall_s = drive_job(job, run, engine, config, progress, inputs=inputs, files=files)
            _finish(run, config, engine, found, job, train, steps=steps, wall_s=wall_s)
            return TrainingRecord(run.path)


def resume_training(path: Path, command: str, progress: Progress) -> TrainingRecord | None:
    """Continue the evaluation or transfer in `path` by its own configuration; None if it is finished, which is said."""
    opened = open_resumed(path, command, progress)
    if opened is None:
        return None
    run, config = opened
    with closing(run):
        found = _read_resumed_arch(run)
        weights = None if run.has(checkpoint.NAME) else _started_from(found)
        return train_network(config, found, lambda: run, progress, weights=weights, fresh=False)


def _read_resumed_arch(run: Run) -> Arch:
    """The architecture that an evaluation or a transfer was started with."""
    if not run.has(RUN_FILE):
        raise RunError(f"{run.path / RUN_FILE} is missing, the cell that the run was started with")
    return _arch_in(run.path)


def arch_of(base: Config, request: Request) -> Arch:
    """The architecture of the run whose config.yaml is given: the genotype beside it, else a published cell.

    ValueError where there is neither.
    """
    assert request.config_file is not None
    folder = request.config_file.parent
    if (folder / RUN_FILE).is_file():
        return _arch_in(folder)
    if base.command == "evaluate" and base.name in list_archs():
        return load_arch(base.name)
    raise ValueError(
        f"--config: there is no {RUN_FILE} beside {request.config_file}; name the cell with --arch"
    )


def _arch_in(folder: Path) -> Arch:
    found = load_arch(str(folder))
    return Arch(str(found.provenance.get("arch", found.name)), found.genotype, found.provenance)


def weights_to_start(
    request: Request, arch: str | Arch | None, weights: Path | None, found: Arch
) -> Path | None:
    """The weights file to start from: the one that is named or, where a run is done once more, its own."""
    once_more = request.config_file is not None and arch is None and weights is None
    return _started_from(found) if once_more else weights


def _started_from(found: Arch) -> Path | None:
    """The weights file that the training of a run's architecture began with; None: from scratch."""
    path = found.provenance.get("weights")
    return Path(path) if isinstance(path, str) else None


def _arch_files(found: Arch, weights: Path | None) -> dict[str, str]:
    """The texts of the genotype's file and of its pictures, by their names."""
    provenance = {name: value for name, value in found.provenance.items() if name != "weights"}
    provenance["arch"] = found.name
    if weights is not None:
        provenance["weights"] = str(weights.resolve())
    pictures = {f"{stem}.svg": picture for stem, picture in draw_files(found.genotype, "cell").items()}
    return {RUN_FILE: to_json(found.genotype, provenance)} | pictures


def _finish(
    run: Run, config: Config, engine: Engine, found: Arch, job: Training, train: ImageSet, *,
    steps: int, wall_s: float,
) -> None:  # fmt: skip
    """Write down the trained network and how good it is."""
    network = job.tested
    data = {
        "classes": train.classes,
        "shape": train.shape,
        "mean": train.mean,
        "std": train.std,
        "values": (train.values.black, train.values.white) if train.values else None,
    }
    networks = {WEIGHTS: network} | ({WEIGHTS_BEST: job.best.network} if job.best is not None else {})
    for name, trained in networks.items():
        with run.replacing(name) as path:
            weight_files.save(
                path,
                trained,
                found.genotype,
                network=dataclasses.asdict(config.network),
                data=data,
                config=to_yaml(config),
            )
    validated = {}
    if job.best is not None:
        validated["validation"] = {"best": job.best.figures(), "stopped_early": job.stopped_early}
    assert job.outcome is not None, "it is finished"
    test = job.outcome.figures(train.classes)
    run.write_json(TEST, test)
    write_worst(run, job.outcome, job.test_batches.images)
    write_summary(
        run,
        config,
        engine,
        partial(training_result, test),
        steps=steps,
        wall_s=wall_s,
        arch=found.name,
        score={**vars(job.task.score), "value": job.score, "split": "test"},
        params=count_parameters(network) - (count_parameters(network.auxiliary) if network.auxiliary else 0),
        macs=count_macs(network, train.shape),
        network=dataclasses.asdict(config.network)
        | {"num_classes": len(train.classes), "image_shape": train.shape},
        test_accuracy=job.score,
        test_accuracy_best=job.score_best,
        **validated,
    )


def _build(
    config: Config,
    genotype: Genotype,
    engine: Engine,
    weights: Path | None,
    inputs: RunInputs,
    progress: Progress,
) -> tuple[Training, ImageSet]:
    """The training of the genotype's network, and the images it trains on, which are added to `inputs`."""
    registry.space_entry(genotype.space).check_networks()
    images = load_training_images(config.data)
    train, validation, test = images.train, images.validation, images.test
    inputs.add("training images", train)
    inputs.add("test images", test)
    if validation is not None and validation.fingerprint is not train.fingerprint:  # a part of its own
        inputs.add("validation images", validation)
    for note in images.notes:
        progress.note(note)
    network = registry.space_entry(genotype.space).load_network()(
        genotype,
        **dataclasses.asdict(config.network),
        num_classes=len(train.classes),
        channels_in=train.shape[0],
        image_size=train.shape[1:],
    )
    initialise(network, engine.streams["initialisation"])
    if weights is not None and weight_files.adopt(network, weight_files.load(weights), weights):
        progress.note(f"the classifier of {weights} has other classes: it starts afresh")
    augmentation = Augmentation(
        pad=config.data.pad, flip=config.data.flip, cutout=config.data.cutout, policy=config.data.augment
    )
    job = Training(
        engine.place(network),
        Classification(train, config.train, engine),
        Batches(train.to(engine.device), config.train.batch_size, augmentation=augmentation, shuffle=True),
        Batches(test.to(engine.device), config.train.eval_batch_size),
        config.train,
        engine,
        validation=None
        if validation is None
        else Batches(validation.to(engine.device), config.train.eval_batch_size),
        compile=config.engine.compile,
    )
    return job, train
