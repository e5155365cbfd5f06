"""nastk latency: what building blocks of networks take on this device."""

from __future__ import annotations

from pathlib import Path

import click

from nastk.cli.options import say


@click.command(short_help="Measure what building blocks take here.")
@click.option("--space", metavar="SPACE", required=True, help="Whose networks (nastk list spaces).")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", default="latency.json", show_default=True,
    help="Where the table is written.",
)  # fmt: skip
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
def latency(space: str, out: Path, words: tuple[str, ...]) -> None:
    """Measure every building block of a space's networks on this device, one image at a time.

    The table is for limits.latency_table of nastk search, which otherwise measures at the first use of
    limits.latency_ms and keeps what it found. The networks' size are the words limits.init_channels,
    limits.num_cells, limits.num_classes, limits.image_size; engine.device and engine.threads say where.
    """
    from nastk.cli.progress import TerminalProgress
    from nastk.workflows.latency import measure_latency

    table = measure_latency(space, words, out, TerminalProgress(plain=True))
    width = max(map(len, table.blocks))
    for kind, row in table.blocks.items():
        click.echo(f"{kind.ljust(width)}  {row['ms']:9.4f} ms  spread {row['spread_ms']:.4f}")
    say(f"latencies: {out}")
