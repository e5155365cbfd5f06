"""nastk list: what nastk knows by name, and the runs in a directory. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from nastk import registry
from nastk.cli.runs import list_runs

WHAT = ("methods", "spaces", "datasets", "tasks", "archs", "presets", "runs")


@click.command("list", short_help="What nastk knows by name; runs.")
@click.argument("what", type=click.Choice(WHAT))
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object: name to help; of runs a list.")
def list_(what: str, folder: Path | None, as_json: bool) -> None:
    """List methods, spaces, data sets, tasks, published cells (archs) or presets; or the runs in DIR (./runs)."""
    if what == "runs":
        list_runs(folder, as_json)
        return
    if folder is not None:
        raise click.UsageError(f"Got unexpected extra argument ({folder})")
    rows = _rows(what)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, rows), default=0)
    for name, text in rows.items():
        click.echo(f"{name.ljust(width)}  {text}")


def _rows(what: str) -> dict[str, str]:
    if what == "archs":
        from nastk.archs import list_archs

        return list_archs()
    if what == "presets":
        from nastk.presets import list_presets, read_help

        return {
            f"{owner}/{name}": read_help(owner, name)
            for owner, names in list_presets().items()
            for name in names
        }
    tables: dict[str, Mapping[str, registry.Entry]] = {
        "methods": registry.methods(),
        "spaces": registry.spaces(),
        "datasets": registry.DATASETS,
        "tasks": registry.TASKS,
    }
    return {name: entry.help for name, entry in sorted(tables[what].items())}
