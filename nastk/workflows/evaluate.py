"""An evaluation: the network of an architecture trained from scratch and tested."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from nastk.archs import Arch
from nastk.config import Config, resolve, resolve_from
from nastk.engine.progress import Progress
from nastk.workflows.records import TrainingRecord
from nastk.workflows.request import Request
from nastk.workflows.starting_weights import arch_of_weights, dataset_of_weights, named_arch
from nastk.workflows.training import arch_of, resume_training


def configure_evaluate(
    arch: str | Arch | None, request: Request, progress: Progress, *, weights: Path | None = None
) -> tuple[Config, Arch]:
    """The configuration of an evaluation, and the architecture; ValueError in the user's words.

    weights: bring their architecture and their network's size along. Without a data set it is the one that they
    were trained on, or that the architecture was searched on. arch: None without weights only with a configuration
    to begin with: that of its run.
    """
    base, size = request.base("evaluate", None), list[str]()
    if weights is not None:
        found, size = arch_of_weights(weights, arch)
    elif arch is not None:
        found = named_arch(arch)
    elif base is not None:
        found = arch_of(base, request)
    else:
        raise ValueError("--arch is missing: a genotype file, a run directory, or a name of nastk list archs")
    if base is not None:
        base = dataclasses.replace(base, name=found.name)
        return resolve_from(base, size + request.all_words(request.dataset)), found
    dataset = request.chosen_dataset()
    if dataset is None and weights is not None:
        dataset = dataset_of_weights(weights)
        if dataset is None:
            raise ValueError(f"{weights} lies in no run directory: --dataset must say what to train on")
        progress.note(f"data set: {dataset} (the weights were trained on it)")
    if dataset is None:
        searched_on = found.provenance.get("dataset")
        dataset = searched_on if isinstance(searched_on, str) else "digits"
        why = "the cell was searched on it" if searched_on else "comes with nastk"
        progress.note(f"data set: {dataset} ({why})")
    preset = request.chosen_preset(dataset, progress)
    return resolve("evaluate", found.name, preset, size + request.all_words(dataset)), found


def resume_evaluate(path: Path, progress: Progress) -> TrainingRecord | None:
    """Continue the evaluation in `path` by its own configuration; None if it is finished, which is said."""
    return resume_training(path, "evaluate", progress)
