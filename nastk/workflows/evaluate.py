"""An evaluation: the network of an architecture trained from scratch and tested."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path

from nastk.archs import Arch, load_arch
from nastk.config import Config, resolve, resolve_from
from nastk.engine.progress import Progress
from nastk.workflows.directory import open_resumed
from nastk.workflows.records import TrainingRecord
from nastk.workflows.request import Request
from nastk.workflows.training import arch_of, read_resumed_arch, train_network


def configure_evaluate(arch: str | Arch | None, request: Request, progress: Progress) -> tuple[Config, Arch]:
    """The configuration of an evaluation, and the architecture; ValueError in the user's words.

    Without a data set it is the one that the architecture was searched on. arch: None only with a configuration
    to begin with: that of its run.
    """
    base = request.base("evaluate", None)
    if base is not None:
        found = (
            arch_of(base, request) if arch is None else arch if isinstance(arch, Arch) else load_arch(arch)
        )
        base = dataclasses.replace(base, name=found.name)
        return resolve_from(base, request.all_words(request.dataset)), found
    assert arch is not None
    found = arch if isinstance(arch, Arch) else load_arch(arch)
    dataset = request.chosen_dataset()
    if dataset is None:
        searched_on = found.provenance.get("dataset")
        dataset = searched_on if isinstance(searched_on, str) else "digits"
        why = "the cell was searched on it" if searched_on else "comes with nastk"
        progress.note(f"data set: {dataset} ({why})")
    preset = request.chosen_preset(dataset, progress)
    return resolve("evaluate", found.name, preset, request.all_words(dataset)), found


def resume_evaluate(path: Path, progress: Progress) -> TrainingRecord | None:
    """Continue the evaluation in `path` by its own configuration; None if it is finished, which is said."""
    opened = open_resumed(path, "evaluate", progress)
    if opened is None:
        return None
    run, config = opened
    with closing(run):
        return train_network(config, read_resumed_arch(run), lambda: run, progress)
