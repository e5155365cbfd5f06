"""nastk rank: does an ordering of architectures by scores agree with the truth?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk.cli.options import say

if TYPE_CHECKING:
    from nastk.ranking import Ranking


@click.command(short_help="How well scores rank architectures.")
@click.argument("scores", nargs=-1, required=True, metavar="SCORES...")
@click.argument("truth")
@click.option("--dataset", metavar="NAME", help="Which of a table's data sets or tasks.")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
def rank(scores: tuple[str, ...], truth: str, dataset: str | None, as_json: bool) -> None:
    """Compare the order that SCORES give to architectures with the TRUTH.

    Both are TABLE.npz:COLUMN, a column of a published table, or the run directory of a search. A run's
    scores are those that it chose by. A run as TRUTH means training: each architecture that it ranks is
    trained alone on the run's training half and scored on its validation half; what is done is kept in the
    run directory, so that the command can be stopped and started again.

    Several SCORES are those of several seeds: their mean counts, with an interval over seeds too. Of
    architectures that tie in SCORES, the regret is the mean over their orders.
    """
    from nastk.ranking import agreement
    from nastk.run import jsonable

    found, real = _read(scores, truth, dataset)
    result = agreement(found, real)
    if result["left_out"]:
        say(f"left out: {result['left_out']} architectures without a finite truth")
    seeds = result.get("seeds", [])
    if as_json:
        for text, one in zip(scores, seeds, strict=False):
            one["scores"] = text
        names = list(scores) if seeds else scores[0]
        click.echo(json.dumps(jsonable(result | {"scores": names, "truth": truth, "dataset": real.dataset})))
        return
    interval = result["interval"]
    click.echo(f"{result['n']:,} architectures of {real.space}, {real.dataset}")
    for text, side in (("scores", found[0]), ("truth", real)):
        better = "higher" if side.direction == "max" else "lower"
        of_seeds = f"; the mean of {len(seeds)} seeds" if seeds and side is not real else ""
        click.echo(f"{text.ljust(15)}{side.metric} ({side.split}), {better} is better{of_seeds}")
    for name, text in (("kendall_tau_b", "Kendall tau-b"), ("spearman", "Spearman rho")):
        low, high = interval[name]
        singly = f"  one by one: {', '.join(f'{one[name]:.4f}' for one in seeds)}" if seeds else ""
        click.echo(
            f"{text.ljust(15)}{result[name]:.4f}  ({interval['level']:.0%}: {low:.4f} to {high:.4f}){singly}"
        )
    for k, regret in result["top_k_regret"].items():
        click.echo(f"{f'top-{k} regret'.ljust(15)}{regret:.4f} {real.metric}")


def _read(scores: tuple[str, ...], truth: str, dataset: str | None) -> tuple[list[Ranking], Ranking]:
    """Both sides. A table beside a run is asked for the run's data set, else for the first that it has."""
    from nastk.ranking import Ranking, check_comparable, check_seeds, read_search

    twice = [text for text in dict.fromkeys(scores) if scores.count(text) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is given twice; several SCORES are those of several seeds")
    runs = {text: read_search(Path(text)) for text in (*scores, truth) if os.path.isdir(text)}
    if dataset is not None and {*scores, truth} <= runs.keys():
        raise ValueError("--dataset: says which of a table's data sets is meant; these are runs")
    if dataset is None and runs:
        dataset = next(iter(runs.values())).data.dataset
    found = [
        Ranking.of_rows(runs[text], Path(text), "ranking.json")
        if text in runs
        else _read_column(text, dataset)
        for text in scores
    ]
    check_seeds(found, scores)
    if truth not in runs:
        return found, _read_column(truth, found[0].dataset if dataset is None else dataset)
    from nastk.cli.training_alone import FILE, train_ranked

    for ranking in found:  # before hours are spent on training
        check_comparable(ranking, Ranking.of_rows(runs[truth], Path(truth), "ranking.json"))
    train_ranked(Path(truth), runs[truth])
    return found, Ranking.of_rows(runs[truth], Path(truth), FILE)


def _read_column(text: str, dataset: str | None) -> Ranking:
    from nastk.ranking import Ranking
    from nastk.tables.table import Table

    path, _, name = text.rpartition(":")
    if text.endswith(".npz"):
        known = ", ".join(Table(Path(text)).columns)
        raise ValueError(f"{text}: name a column of it as {text}:COLUMN; known: {known}")
    if not path.endswith(".npz"):
        raise ValueError(f"{text}: no run directory, and not of the form TABLE.npz:COLUMN")
    table = Table(Path(path))
    column = table.column(name, dataset)
    if dataset is None:
        others = ", ".join(table.datasets_of(name))
        hint = f" (--dataset chooses another of {others})" if "," in others else ""
        say(f"data set: {column.dataset}{hint}")
    return Ranking.of_column(column)
