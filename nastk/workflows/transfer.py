"""A transfer: the network of an architecture trained for another data set or task."""

from __future__ import annotations

from pathlib import Path

from nastk import registry
from nastk.archs import Arch, load_arch
from nastk.config import Config, resolve, resolve_from
from nastk.engine.progress import Progress
from nastk.workflows.records import TrainingRecord
from nastk.workflows.request import Request
from nastk.workflows.starting_weights import arch_of_weights, named_arch
from nastk.workflows.training import arch_of, resume_training

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
        if base is None:
            raise ValueError(f"--task is missing; known: {', '.join(registry.TASKS)}")
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
        found, size = arch_of_weights(weights, arch)
        words = size + words
    elif arch is not None:
        found = named_arch(arch)
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


def resume_transfer(path: Path, progress: Progress) -> TrainingRecord | None:
    """Continue the transfer in `path` by its own configuration; None if it is finished, which is said."""
    return resume_training(path, "transfer", progress)
