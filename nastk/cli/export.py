"""nastk export: a trained network in a form that other programs take."""

from __future__ import annotations

from pathlib import Path

import click

from nastk.exports.formats import FORMATS


@click.command(short_help="A trained network as ONNX, torch.export, safetensors, or Python.")
@click.argument("source", metavar="ARCH|RUN")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The trained weights of ARCH (weights.safetensors).",
)
@click.option(
    "--format", "format_name", type=click.Choice(list(FORMATS)), required=True, help="What to write."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to (in the working directory, named after the run).",
)
def export(source: str, weights: Path | None, format_name: str, out: Path | None) -> None:
    """Write the network of RUN, the directory of a finished evaluation or transfer, for other programs.

    Normalised images go in, logits come out; classes, mean, std and size are written along. The auxiliary head
    is left out. docs/taking-away.md shows how to use each format.
    """
    from nastk.cli.progress import TerminalProgress
    from nastk.workflows.export import export

    place = export(source, format_name, weights=weights, out=out, progress=TerminalProgress(plain=True))
    click.echo(f"wrote {place}", err=True)
