"""The runs in a directory, each in a few words: from their files alone, without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastk.report.page.story import network_of
from nastk.run import CONFIG, SUMMARY, RunError, read_object, read_text
from nastk.workflows.run_state import RunState, state_of
from nastk.yaml_text import read_yaml

HOME = Path("runs")  # where runs are made that nobody named


@dataclass(frozen=True)
class RunLine:
    """about: the method of a search, else the cell. state: None where the run is damaged, and fault says how.

    score: what the run ended in, of `metric`; accuracy in %; params and macs of the network, of a search of the one
    that evaluate builds; None where there is none (yet). time_s: of all sittings.
    """

    path: Path
    began: float
    command: str = ""
    about: str = ""
    dataset: str = ""
    state: RunState | None = None
    fault: str = ""
    score: float | None = None
    metric: str = ""
    accuracy: float | None = None
    params: int | None = None
    macs: int | None = None
    time_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        state = self.state
        return {
            "path": str(self.path),
            "command": self.command,
            "about": self.about,
            "dataset": self.dataset,
            "state": "damaged" if state is None else state.word,
            "step": None if state is None else state.steps,
            "num_steps": None if state is None else state.num_steps,
            "score": self.score,
            "metric": self.metric,
            "accuracy": self.accuracy,
            "params": self.params,
            "macs": self.macs,
            "time_s": self.time_s,
            "fault": self.fault,
        }


def runs_in(folder: Path) -> list[RunLine]:
    """The runs in `folder`, or the run that it is, in the order in which they began; whatever else is passed over.

    ValueError if there is no such directory.
    """
    try:
        places = [folder] if (folder / CONFIG).exists() else list(folder.iterdir())
    except OSError as error:
        raise ValueError(f"{folder}: {error.strerror or error}") from None
    lines = [_line(place) for place in places if (place / CONFIG).is_file()]
    return sorted(lines, key=lambda line: (line.began, str(line.path)))


def _line(path: Path) -> RunLine:
    began = 0.0
    try:
        began = (path / CONFIG).stat().st_mtime  # which is written once, before the first step
        state = state_of(path)
        if state.finished:
            return _finished(path, began, state, read_object(path / SUMMARY))
        config = read_yaml(read_text(path / CONFIG))
        command = config["command"]
        genotype = path / "genotype.json"
        found = read_object(genotype) if command != "search" and genotype.is_file() else {}
        about = config.get("method") or config.get("arch") or found.get("provenance", {}).get("arch")
        dataset = str(config["data"]["dataset"])
    except (RunError, OSError) as error:
        return RunLine(path, began, fault=str(error).removeprefix(f"{path}/"))
    except (KeyError, TypeError, AttributeError, ValueError):
        return RunLine(path, began, fault=f"{CONFIG} is not as nastk writes it")
    return RunLine(path, began, str(command), str(about or ""), dataset, state, time_s=state.time_s)


def _finished(path: Path, began: float, state: RunState, summary: Mapping[str, Any]) -> RunLine:
    score = summary.get("score")
    if not isinstance(score, dict):
        return RunLine(path, began, fault=f"{SUMMARY} is not as nastk writes it")
    network = network_of(summary)
    counts = [_number(network.get(name)) for name in ("params", "macs")]
    return RunLine(
        path,
        began,
        str(summary.get("command", "")),
        str(summary.get("method") or summary.get("arch") or ""),
        str(summary.get("dataset", "")),
        state,
        score=_number(score.get("value")),
        metric=str(score.get("name", "")),
        accuracy=_number(summary.get("test_accuracy", score.get("accuracy"))),
        params=None if counts[0] is None else int(counts[0]),
        macs=None if counts[1] is None else int(counts[1]),
        time_s=_number(summary.get("wall_s")),
    )


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
