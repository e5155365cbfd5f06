"""A transfer: the network of an architecture trained for another data set or task."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from nastk import registry
from nastk.archs import Arch, load_arch
from nastk.config import Config, resolve, resolve_from
from nastk.engine import checkpoint
from nastk.engine.progress import Progress
from nastk.networks import weights as weight_files
from nastk.workflows.directory import open_resumed
from nastk.workflows.records import TrainingRecord
from nastk.workflows.request import Request
from nastk.workflows.training import arch_of, read_resumed_arch, started_from, train_network

FOUND_HERE = Path("genotype.json")


def configure_transfer(
    task: str | None, arch: str | Arch | None, weights: Path | None, request: Request, progress: Progress
) -> tuple[Config, Arch]:
    """The configuration of a transfer, and the architecture; ValueError in the user's words.

    weights: bring their architecture and their network's size along. Without them and without `arch` it is
    ./genotype.json, with a configuration to begin with that of its run. task: None only with one, whose task it is.
    """
    base = request.base("transfer", task)
    if task is None:
        assert base is not None
        task = base.name
    dataset = registry.find("task", registry.TASKS, task).load().dataset or request.chosen_dataset()
    if dataset is None and base is not None:
        dataset = base.data.dataset
    if dataset is None:
        raise ValueError(
            "--task data needs --dataset: a known name, a directory of class folders, or a .csv, .zip or .npz file"
        )
    if request.chosen_dataset() not in (None, dataset):
        raise ValueError(
            f"--task {task} is trained on {dataset}; for another data set: --task data --dataset ..."
        )
    words = request.all_words(dataset)
    if weights is not None:
        loaded = weight_files.load(weights)
        words = [f"network.{key}={value}" for key, value in loaded.network.items()] + words
        if arch is not None and _arch(arch).genotype != loaded.genotype:
            raise ValueError(f"{weights} holds another cell than --arch {arch}; leave --arch out")
        found = Arch(weights.stem, loaded.genotype, {})
    elif arch is not None:
        found = _arch(arch)
    elif base is not None:
        found = arch_of(base, request)
    elif FOUND_HERE.exists():
        found = load_arch(str(FOUND_HERE))
        progress.note(f"cell: ./{FOUND_HERE}")
    else:
        raise ValueError(
            "no cell to transfer: there is no ./genotype.json; run nastk search first, or name one with --arch "
            "(a genotype file, a run directory, or a name of nastk list archs) or --weights"
        )
    if base is not None:
        return resolve_from(base, words), found
    return resolve("transfer", task, request.chosen_preset(dataset, progress), words), found


def _arch(arch: str | Arch) -> Arch:
    return arch if isinstance(arch, Arch) else load_arch(arch)


def resume_transfer(path: Path, progress: Progress) -> TrainingRecord | None:
    """Continue the transfer in `path` by its own configuration; None if it is finished, which is said."""
    opened = open_resumed(path, "transfer", progress)
    if opened is None:
        return None
    run, config = opened
    with closing(run):
        found, weights = read_resumed_arch(run), None
        if not run.has(checkpoint.NAME):
            weights = started_from(found)
        return train_network(config, found, lambda: run, progress, weights=weights)
