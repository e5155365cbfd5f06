"""nastk config: the resolved configuration of a command, a comment a key."""

from __future__ import annotations

import click

from nastk import config as configuration
from nastk import registry


@click.command(short_help="All settings of a command, with a comment each.")
@click.argument("command", type=click.Choice(["search", "evaluate", "transfer"]))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--method",
    default=registry.DEFAULT_METHOD,
    metavar="M",
    help=f"The method of a search ({registry.DEFAULT_METHOD}).",
)
@click.option("--preset", default="quick", metavar="P", help="The preset to start from (quick).")
def config(command: str, overrides: tuple[str, ...], method: str, preset: str) -> None:
    """Print the configuration that COMMAND would run with, as YAML with a comment a key."""
    name = {"search": method, "evaluate": "genotype", "transfer": "data"}[command]
    click.echo(configuration.to_yaml(configuration.resolve(command, name, preset, overrides)), nl=False)
