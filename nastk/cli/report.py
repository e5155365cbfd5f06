"""nastk report: runs as one page of HTML."""

from __future__ import annotations

from pathlib import Path

import click

from nastk.cli.options import say


@click.command(short_help="Runs as one HTML page: curves, cells, ranking, comparison.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    metavar="FILE.html",
    help="The file to write (report.html); an earlier report there is replaced.",
)
def report(runs: tuple[Path, ...], out: Path) -> None:
    """Write a page about the RUNs, directories of searches, evaluations and transfers in any state.

    What was run and how to run it again, what came of it, curves, cells, the ranking, and with several RUNs
    their comparison: one file without script or links to elsewhere, to be read in a browser, mailed or printed.
    """
    from nastk.workflows.report import report

    report(runs, out)
    say(f"report: {out}")
