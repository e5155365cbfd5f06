"""nastk show: a cell as text or picture, and the exact size of its network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nastk import registry

if TYPE_CHECKING:
    from nastk.genotype import Genotype


@click.command(short_help="A cell as text or picture, and its network's exact size.")
@click.argument("arch")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.option(
    "--svg",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the cell: FILE; where there are two: FILE_normal, FILE_reduce.",
)
@click.option(
    "--stem", type=click.Choice(["cifar", "imagenet"]), default="cifar", help="First layers (cifar)."
)
@click.option(
    "--init-channels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Channels at the start (as published).",
)
@click.option(
    "--num-cells",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cells (as published).",
)
@click.option("--num-classes", type=click.IntRange(min=1), default=10, metavar="N", help="Classes (10).")
def show(
    arch: str,
    as_json: bool,
    svg: Path | None,
    stem: str,
    init_channels: int | None,
    num_cells: int | None,
    num_classes: int,
) -> None:
    """Show ARCH: a genotype file, a run directory, a published cell (nastk list archs), or a genotype's text.

    Parameters and multiply-accumulates (MACs) are those of the network without the auxiliary head, for one
    image of 32x32 pixels (cifar) or 224x224 (imagenet).
    """
    from nastk.archs import load_arch
    from nastk.report.drawings import describe, draw_files
    from nastk.run import RunError

    found = load_arch(arch)
    genotype = found.genotype
    size = _network_size(genotype, stem, init_channels, num_cells, num_classes)
    if svg is not None:
        if not svg.name or svg.is_dir():
            raise ValueError(f"--svg: {svg} is a directory; name a file")
        pictures = draw_files(genotype, svg.stem)
        if not pictures:
            raise ValueError(f"--svg: nastk draws no architectures of space {genotype.space!r}")
        for file, picture in pictures.items():
            path = svg.with_name(f"{file}{svg.suffix or '.svg'}")
            try:
                path.write_text(picture, encoding="utf-8")
            except OSError as error:
                raise RunError(f"{path}: {error.strerror}") from None
            click.echo(f"wrote {path}", err=True)
    if as_json:
        content: dict[str, Any] = {"name": found.name, "space": genotype.space}
        content |= registry.load_space(genotype.space).body_to_json(genotype.body)
        click.echo(json.dumps(content | size))
        return
    click.echo(describe(genotype))
    if size["params"] is None:
        click.echo(f"{found.name}: nastk has no network of space {genotype.space!r}, only tables know it")
        return
    click.echo(
        "{name}: {params:,} parameters ({params_with_auxiliary:,} with the auxiliary head), {macs:,} MACs "
        "({stem} stem, {init_channels} channels, {num_cells} cells, {num_classes} classes)".format(
            name=found.name, **size
        )
    )


def _network_size(
    genotype: Genotype, stem: str, init_channels: int | None, num_cells: int | None, num_classes: int
) -> dict[str, Any]:
    """The network's settings, parameters and MACs; all None where nastk has no network of the space."""
    import torch

    from nastk.networks.counting import count_macs, count_parameters

    entry = registry.SPACES[genotype.space]
    if entry.network is None:
        names = (
            "stem",
            "init_channels",
            "num_cells",
            "num_classes",
            "params",
            "params_with_auxiliary",
            "macs",
        )
        return dict.fromkeys(names)
    published = registry.load_space(genotype.space).published_size
    settings: dict[str, Any] = {
        "stem": stem,
        "init_channels": init_channels or published.init_channels,
        "num_cells": num_cells or published.num_cells,
        "num_classes": num_classes,
    }
    with torch.device("meta"):
        network = entry.load_network()(genotype, **settings, auxiliary=True)
    side = 224 if stem == "imagenet" else 32
    macs = count_macs(network, (3, side, side))
    with_auxiliary = count_parameters(network)
    params = with_auxiliary - count_parameters(network.auxiliary)
    return settings | {"params": params, "params_with_auxiliary": with_auxiliary, "macs": macs}
