"""A run as the page tells of it: what was read of its directory, and the words for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nastk.config import Config
from nastk.report.axis import short
from nastk.wording import counted


@dataclass(frozen=True)
class Candidate:
    """An architecture of a search's ranking: its score, what its network costs, what it is.

    cost: "params", "macs", "latency_ms", those that are known.
    """

    score: dict[str, Any]
    cost: dict[str, float]
    text: str
    on_front: bool
    chosen: bool


@dataclass(frozen=True)
class Story:
    """What is known of a run, whatever its state; summary: None as long as it is not finished.

    name: a short one that no other run of the page has. state: in words. again: the command line that runs it again.
    goes_on: the one that continues it, "" where it is finished. cells: their pictures. course: pictures of the
    search's course by their names (stages, tree). front: the picture of scores against costs. test: what was
    measured on the test images. worst: of those the network was surest and wrong about.
    """

    name: str
    path: str
    config: Config
    config_text: str
    state: str
    again: str
    goes_on: str
    metrics: list[dict[str, Any]]
    summary: dict[str, Any] | None
    about: str
    cells: list[str] = field(default_factory=list)
    course: dict[str, str] = field(default_factory=dict)
    front: str = ""
    candidates: list[Candidate] = field(default_factory=list)
    test: dict[str, Any] | None = None
    worst: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dataset(self) -> str:
        """Its name; of a path what a person calls it."""
        return Path(self.config.data.dataset).name

    @property
    def score(self) -> tuple[str, float | None]:
        """What was measured on which images, and the value; None where there is none."""
        if self.summary is None:
            return "", None
        score = self.summary["score"]
        return f"{score['split']} {score['name'].replace('_', ' ')}", score["value"]

    @property
    def accuracy(self) -> float | None:
        """In %: on the test images of a training, on the validation half of a search that knows it."""
        if self.summary is None:
            return None
        found = self.summary.get("test_accuracy", self.summary["score"].get("accuracy"))
        return None if found is None or math.isnan(found) else found

    @property
    def higher_is_better(self) -> bool:
        return self.summary is not None and self.summary["score"]["direction"] == "max"

    @property
    def time_s(self) -> float | None:
        """Of all sittings together."""
        if self.summary is not None:
            return float(self.summary["wall_s"])
        return self.metrics[-1].get("time_s") if self.metrics else None


def conclusion(story: Story) -> list[str]:
    """What came of the run: the first line says it, the others what to know besides."""
    subject = {
        "search": f"{story.about} on {story.dataset}",
        "evaluate": f"{story.about} trained on {story.dataset}",
        "transfer": f"{story.about} moved to {story.dataset}",
    }[story.config.command]
    if story.summary is None:
        last = [f"{name} {figure(value)}" for name, value in _figures(story.metrics[-1:]).items()]
        return [f"{subject}: {story.state}, no result yet."] + (
            [f"Last figures: {', '.join(last)}."] if last else []
        )
    name, value = story.score
    accuracy = story.accuracy
    if story.config.command == "search":
        beside = (
            f", accuracy {accuracy:.2f} %" if accuracy is not None and not name.endswith("accuracy") else ""
        )
        result = f"found a cell with {name} {figure(value)}{beside}, in {duration(story.time_s)}."
    else:
        steps = counted(story.summary["steps"], "epoch")
        result = f"test accuracy {figure(accuracy)} % after {steps}, in {duration(story.time_s)}."
    return [f"{subject}: {result}", *_size(story.summary), *map(str, story.summary.get("remarks", []))]


def _size(summary: dict[str, Any]) -> list[str]:
    network = network_of(summary)
    if network.get("params") is None:
        return []
    built = [
        counted(network[key], noun)
        for key, noun in (("init_channels", "channel"), ("num_cells", "cell"))
        if isinstance(network.get(key), int)
    ]
    beside = f" ({', '.join(built)})" if built else ""
    return [
        f"Its network{beside} has {counted(network['params'], 'parameter')} and takes "
        f"{counted(network['macs'], 'MAC')} an image."
    ]


def network_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The network that a run is about, its settings as far as they are known, params and macs (None: not known).

    The one that was trained; of a search the one that evaluate builds, where its costs are known.
    """
    evaluated = summary.get("evaluated_network")
    if isinstance(evaluated, dict):
        return evaluated
    network = summary.get("network")
    own = {name: summary.get(name) for name in ("params", "macs")}
    return network | own if isinstance(network, dict) else own


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The single figures of the rows, without what says which row it is."""
    return {
        name: value
        for row in rows
        for name, value in row.items()
        if not isinstance(value, (list, dict)) and name not in ("step", "time_s", "num_steps")
    }


def figure(value: Any) -> str:
    """A number in short; a dash where there is none."""
    if value is None:
        return "\u2013"
    if isinstance(value, (int, float)):
        return f"{value:.4g}" if abs(value) < 1e4 else short(value)
    return str(value)


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "\u2013"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
