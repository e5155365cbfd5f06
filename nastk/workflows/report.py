"""A report: what is known of runs, gathered from their directories and written as one page of HTML."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nastk.archs import RUN_FILE, list_archs
from nastk.config import Config
from nastk.costs.front import pareto_front
from nastk.costs.prices import Cost
from nastk.genotype import Genotype, read
from nastk.ranking import read_rows
from nastk.registry import load_space
from nastk.report.drawings import draw, draw_details
from nastk.report.page.frame import MARK
from nastk.report.page.story import Candidate, Story
from nastk.report.page.whole import report_page
from nastk.run import CONFIG, RunError, read_object, read_text, write_whole
from nastk.workflows.front import front_svg
from nastk.workflows.pricing import limits_of
from nastk.workflows.records import TEST, Record, open_record, score_of
from nastk.workflows.run_state import state_of
from nastk.workflows.summary import reproduce_command
from nastk.workflows.worst_images import WORST

NOT_OURS = (KeyError, IndexError, TypeError, AttributeError)  # of JSON that has another form


def report(paths: Sequence[Path], out: Path) -> None:
    """Write the report of the runs in `paths` to the file `out`, in place of an earlier report.

    ValueError for what is no run, for files of a run that are damaged, and for an `out` that is something else.
    """
    _check(out)
    if not paths:
        raise ValueError("no run to report")
    resolved = [path.resolve() for path in paths]
    for path, place in zip(paths, resolved, strict=True):
        if resolved.count(place) > 1:
            raise ValueError(f"{path} is given twice")
    stories = [_story(path, name) for path, name in zip(paths, _names(resolved), strict=True)]
    try:
        text = report_page(stories)
    except NOT_OURS as error:
        raise _damaged(" or ".join(map(str, paths)), error) from None
    try:
        write_whole(out, text)
    except OSError as error:
        raise RunError(f"{out}: {error.strerror or error}") from None


def _check(out: Path) -> None:
    """RunError where a report cannot become `out`: only another report is written over."""
    if not out.name or out.is_dir():
        raise RunError(f"{out} is a directory; name a file for the report")
    if os.path.lexists(out):
        try:
            ours = out.is_file() and MARK.encode() in out.read_bytes()[:2000]
        except OSError as error:
            raise RunError(f"{out}: {error.strerror or error}") from None
        if not ours:
            raise RunError(f"{out} is no report of nastk; name another file for it (--out)")


def _names(paths: Sequence[Path]) -> list[str]:
    """The directories' names, with as much of the way to them as tells them apart."""
    names = [path.name for path in paths]
    for length in range(2, max(len(path.parts) for path in paths) + 1):
        alike = [names.count(name) > 1 for name in names]
        names = [
            "/".join(path.parts[-length:]) if more else name
            for path, name, more in zip(paths, names, alike, strict=True)
        ]
    return names


def _story(path: Path, name: str) -> Story:
    record = open_record(path)
    config = record.config
    searched = config.command == "search"
    text = read_text(path / CONFIG)
    try:
        genotype, provenance = read(path / RUN_FILE) if (path / RUN_FILE).is_file() else (None, {})
        about = config.name if searched else str(provenance.get("arch", config.name))
        ranked = _ranked(record, genotype) if searched and record.finished else ([], "")
        return Story(
            name=name,
            path=str(path),
            config=config,
            config_text=text,
            state=str(state_of(path)),
            again=_again(config, path, about),
            goes_on="" if record.finished else f"nastk {config.command} --resume {shlex.quote(str(path))}",
            metrics=record.metrics,
            summary=record.summary if record.finished else None,
            about=about,
            cells=[] if genotype is None else list(draw(genotype).values()),
            course=_course(path) if searched else {},
            candidates=ranked[0],
            front=ranked[1],
            test=read_object(path / TEST) if (path / TEST).is_file() else None,
            worst=read_object(path / WORST)["images"] if (path / WORST).is_file() else [],
        )
    except NOT_OURS as error:
        raise _damaged(str(path), error) from None


def _damaged(path: str, error: Exception) -> RunError:
    return RunError(f"{path}: its files are not as nastk writes them: {error!r}")


def _again(config: Config, path: Path, about: str) -> str:
    """The command line that runs it again, with the run's own cell where no published one has the name."""
    searched = config.command == "search"
    arch = None if searched else about if about in list_archs() else str(path / RUN_FILE)
    return reproduce_command(config, arch)


def _course(path: Path) -> dict[str, str]:
    """The pictures of what a search told of its course; none for most."""
    file = path / "details.json"
    if not file.is_file():
        return {}
    details = read_object(file)
    try:
        return draw_details(details)
    except (ValueError, *NOT_OURS) as error:
        raise _damaged(str(file), error) from None


def _ranked(record: Record, genotype: Genotype | None) -> tuple[list[Candidate], str]:
    """The candidates of a search's last choice, best first, and the picture of their front."""
    assert record.config.space is not None
    space = load_space(record.config.space.name)
    rows = read_rows(record.path / "ranking.json")
    costs = [_cost(row) for row in rows]
    bodies = [space.body_from_json(row["genotype"]) for row in rows]
    first = bodies.index(genotype.body) if genotype is not None and genotype.body in bodies else None
    chosen = [place == first for place in range(len(rows))]  # it may have come up more than once
    front: list[int] = []
    picture = ""
    known = [cost for cost in costs if cost is not None]
    if len(known) == len(rows):
        scores = [score_of(row["score"]) for row in rows]
        front = pareto_front(scores, known)
        picture = front_svg(scores, known, chosen, limits_of(record.config))
    candidates = [
        Candidate(
            score=row["score"],
            cost=cost.to_json() if cost is not None else {},
            text=_in_short(row["genotype"]),
            on_front=place in front,
            chosen=chosen[place],
        )
        for place, (row, cost) in enumerate(zip(rows, costs, strict=True))
    ]
    return candidates, picture


def _cost(row: dict[str, Any]) -> Cost | None:
    return Cost(row["params"], row["macs"], row.get("latency_ms")) if "params" in row else None


def _in_short(body: dict[str, Any]) -> str:
    """A string of the benchmark's own, else the body as JSON."""
    arch = body.get("arch")
    return arch if isinstance(arch, str) else json.dumps(body, separators=(",", ":"))
