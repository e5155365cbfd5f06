"""A ranking held against another: columns of published tables, scores of searches, training alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nastk.config import Config
from nastk.engine.progress import Progress
from nastk.ranking import Ranking, agreement, check_comparable, check_seeds
from nastk.tables.table import Table
from nastk.wording import counted
from nastk.workflows.directory import read_config


@dataclass(frozen=True)
class Comparison:
    """scores, truth: the two sides, several scores being several seeds. figures: ranking.agreement of them."""

    scores: list[Ranking]
    truth: Ranking
    figures: dict[str, Any]

    @property
    def kendall_tau_b(self) -> float:
        return float(self.figures["kendall_tau_b"])

    @property
    def spearman(self) -> float:
        return float(self.figures["spearman"])


def rank(scores: Sequence[str], truth: str, dataset: str | None, progress: Progress) -> Comparison:
    """How well `scores` order architectures as the `truth` does; ValueError for what cannot be compared.

    Each side is TABLE.npz:COLUMN or the run directory of a search; a run as truth means training each of its
    architectures alone, which takes hours and is kept in the run directory. dataset: which one of a table's.
    """
    found, real = _read(scores, truth, dataset, progress)
    figures = agreement(found, real)
    if figures["left_out"]:
        progress.note(f"left out: {counted(figures['left_out'], 'architecture')} without a finite truth")
    return Comparison(found, real, figures)


def _read(
    scores: Sequence[str], truth: str, dataset: str | None, progress: Progress
) -> tuple[list[Ranking], Ranking]:
    """Both sides. A table beside a run is asked for the run's data set, else for the first that it has."""
    opened = cache(Table)  # both sides are often of one table, whose architectures are then read once
    twice = [text for text in dict.fromkeys(scores) if list(scores).count(text) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is given twice; several SCORES are those of several seeds")
    runs = {text: _read_search(Path(text)) for text in (*scores, truth) if os.path.isdir(text)}
    if dataset is not None and {*scores, truth} <= runs.keys():
        raise ValueError("--dataset: says which of a table's data sets is meant; these are runs")
    if dataset is None and runs:
        dataset = next(iter(runs.values())).data.dataset
    found = [
        Ranking.of_rows(runs[text], Path(text), "ranking.json")
        if text in runs
        else _read_column(text, dataset, progress, opened)
        for text in scores
    ]
    check_seeds(found, scores)
    if truth not in runs:
        dataset = found[0].dataset if dataset is None else dataset
        return found, _read_column(truth, dataset, progress, opened)
    for ranking in found:  # before hours are spent on training
        check_comparable(ranking, Ranking.of_rows(runs[truth], Path(truth), "ranking.json"))
    from nastk.workflows.training_alone import FILE, train_ranked  # with torch, which tables do not need

    train_ranked(Path(truth), runs[truth], progress)
    return found, Ranking.of_rows(runs[truth], Path(truth), FILE)


def _read_search(path: Path) -> Config:
    """The configuration of a search's run directory; ValueError if it is none, or not finished."""
    config = read_config(path)
    if config.command != "search":
        raise ValueError(f"{path} is a run of nastk {config.command}; only a search ranks architectures")
    if not (path / "ranking.json").is_file():
        raise ValueError(f"{path} is not finished: nastk search --resume {path}")
    return config


def _read_column(
    text: str, dataset: str | None, progress: Progress, opened: Callable[[Path], Table]
) -> Ranking:
    path, _, name = text.rpartition(":")
    if text.endswith(".npz"):
        known = ", ".join(Table(Path(text)).columns)
        raise ValueError(f"{text}: name a column of it as {text}:COLUMN; known: {known}")
    if not path.endswith(".npz"):
        raise ValueError(f"{text}: no run directory, and not of the form TABLE.npz:COLUMN")
    table = opened(Path(path))
    column = table.column(name, dataset)
    if dataset is None:
        others = ", ".join(table.datasets_of(name))
        hint = f" (--dataset chooses another of {others})" if "," in others else ""
        progress.note(f"data set: {column.dataset}{hint}")
    return Ranking.of_column(column)
