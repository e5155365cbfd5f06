"""nastk rank: does an ordering of architectures by scores agree with the truth?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nastk.workflows.rank import Comparison


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
    from nastk.cli.progress import TerminalProgress
    from nastk.run import jsonable
    from nastk.workflows.rank import rank

    found = rank(scores, truth, dataset, TerminalProgress(plain=True))
    if as_json:
        seeds = found.figures.get("seeds", [])
        for text, one in zip(scores, seeds, strict=False):
            one["scores"] = text
        names = list(scores) if seeds else scores[0]
        about = {"scores": names, "truth": truth, "dataset": found.truth.dataset}
        click.echo(json.dumps(jsonable(found.figures | about)))
    else:
        _tell(found)


def _tell(found: Comparison) -> None:
    result, real = found.figures, found.truth
    seeds, interval = result.get("seeds", []), result["interval"]
    click.echo(f"{result['n']:,} architectures of {real.space}, {real.dataset}")
    for text, side in (("scores", found.scores[0]), ("truth", real)):
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
