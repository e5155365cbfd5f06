"""Runs as what they are to people: a directory, of any state, and what can be read from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nastk.config import Config
from nastk.estimators.score import Score
from nastk.genotype import Genotype, read
from nastk.networks.classifier import WEIGHTS_BEST
from nastk.ranking import read_rows
from nastk.registry import load_space
from nastk.run import SUMMARY, WEIGHTS, Run, read_object, read_text
from nastk.workflows.directory import read_config
from nastk.workflows.result_text import RESULT

TEST = "test.json"  # of a training's run directory


@dataclass(frozen=True)
class Record:
    """A run directory that is only read."""

    path: Path

    @property
    def finished(self) -> bool:
        return (self.path / SUMMARY).is_file()

    @cached_property
    def config(self) -> Config:
        """The resolved configuration; ValueError for a directory that is no run's."""
        return read_config(self.path)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl so far, one a step; None where a figure was not finite."""
        return Run(self.path).read_metrics()

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json; ValueError as long as the run is not finished."""
        if not self.finished:
            raise ValueError(f"{self.path} is not finished: nastk {self.config.command} --resume {self.path}")
        return read_object(self.path / SUMMARY)

    @property
    def result_text(self) -> str:
        """What the command printed in the end."""
        _ = self.summary
        return read_text(self.path / RESULT)

    @property
    def genotype(self) -> Genotype:
        """The architecture that was found or trained."""
        _ = self.summary
        return read(self.path / "genotype.json")[0]


@dataclass(frozen=True)
class SearchRecord(Record):
    """A search; what it has found raises ValueError as long as it is not finished."""

    @property
    def score(self) -> Score:
        """The score that the genotype was chosen by."""
        content = dict(self.summary["score"])
        return score_of(content | {"metric": content.pop("name")})

    @cached_property
    def ranking(self) -> list[tuple[Genotype, Score]]:
        """All candidates of the last choice, best first."""
        _ = self.summary
        assert self.config.space is not None
        space = load_space(self.config.space.name)
        rows = read_rows(self.path / "ranking.json")
        return [
            (Genotype(space.name, space.body_from_json(row["genotype"])), score_of(row["score"]))
            for row in rows
        ]

    @property
    def details(self) -> dict[str, Any]:
        """What else the method told of its course; empty for most."""
        _ = self.summary
        path = self.path / "details.json"
        return read_object(path) if path.is_file() else {}


@dataclass(frozen=True)
class TrainingRecord(Record):
    """An evaluation or a transfer; its results raise ValueError as long as it is not finished."""

    @property
    def test_accuracy(self) -> float:
        """In %, after the last epoch."""
        return float(self.summary["test_accuracy"])

    @cached_property
    def test(self) -> dict[str, Any]:
        """The content of test.json: what the last epoch's test says in detail (engine.outcome), shares in %."""
        _ = self.summary
        return read_object(self.path / TEST)

    @property
    def weights(self) -> Path:
        """The trained network."""
        _ = self.summary
        return self.path / WEIGHTS

    @property
    def weights_best(self) -> Path | None:
        """The network of the best epoch by validation loss; None where there were no validation images."""
        return self.path / WEIGHTS_BEST if "validation" in self.summary else None

    @property
    def params(self) -> int:
        """Of the network without its auxiliary head."""
        return int(self.summary["params"])

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return int(self.summary["macs"])


def open_record(path: Path) -> SearchRecord | TrainingRecord:
    """The run in a directory, of any state; ValueError if there is none."""
    searched = SearchRecord(path)
    return searched if searched.config.command == "search" else TrainingRecord(path)


def score_of(content: dict[str, Any]) -> Score:
    """A score as ranking.json has it: numbers that are null were not finite."""
    numbers: Any = {name: math.nan if value is None else value for name, value in content.items()}
    return Score(**numbers)
