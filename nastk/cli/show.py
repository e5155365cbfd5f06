"""nastk show: a cell as text or picture, and the exact size of its network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nastk import registry
from nastk.wording import counted

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
@click.option("--stem", type=click.Choice(["cifar", "imagenet"]), help="First layers (cifar).")
@click.option(
    "--init-channels", type=click.IntRange(min=1), metavar="N", help="Channels at the start (as published)."
)
@click.option("--num-cells", type=click.IntRange(min=1), metavar="N", help="Cells (as published).")
@click.option("--num-classes", type=click.IntRange(min=1), metavar="N", help="Classes (10).")
def show(arch: str, as_json: bool, svg: Path | None, **network: Any) -> None:
    """Show ARCH: a genotype file, a run directory, a published cell (nastk list archs), or a genotype's text.

    Parameters and multiply-accumulates (MACs) are those of the network without the auxiliary head, for one
    image of 32x32 pixels (cifar) or 224x224 (imagenet). Of an evaluation or a transfer it is the network
    that was trained there, with its images; of a search both that one and the one it searched with.
    """
    from nastk.archs import load_arch
    from nastk.report.drawings import describe
    from nastk.workflows.network_size import sizes_to_show

    found = load_arch(arch)
    genotype = found.genotype
    size, searched = sizes_to_show(genotype, arch, network)
    if svg is not None:
        _draw(genotype, svg)
    if as_json:
        content: dict[str, Any] = {"name": found.name, "space": genotype.space}
        content |= registry.load_space(genotype.space).body_to_json(genotype.body)
        content |= size | ({"searched_network": searched} if searched else {})
        click.echo(json.dumps(content))
        return
    click.echo(describe(genotype))
    if size["params"] is None:
        click.echo(f"{found.name}: nastk has no network of space {genotype.space!r}, only tables know it")
        return
    click.echo(f"{found.name}: {_line(size)}")
    if searched:
        click.echo(f"as it was searched: {_line(searched)}")


def _line(size: dict[str, Any]) -> str:
    """The size in words; of images too, where they are not those of CIFAR-10 or ImageNet."""
    channels, height, width = size["image_shape"]
    usual = (3, 224, 224) if size["stem"] == "imagenet" else (3, 32, 32)
    images = "" if usual == (channels, height, width) else f", images of {channels}x{height}x{width}"
    numbers = ", ".join(
        (
            counted(size["init_channels"], "channel"),
            counted(size["num_cells"], "cell"),
            counted(size["num_classes"], "class", "classes"),
        )
    )
    return (
        f"{counted(size['params'], 'parameter')} ({size['params_with_auxiliary']:,} with the auxiliary head), "
        f"{counted(size['macs'], 'MAC')} ({size['stem']} stem, {numbers}{images})"
    )


def _draw(genotype: Genotype, svg: Path) -> None:
    """Write the pictures to `svg`, or beside it where there are several."""
    from nastk.report.drawings import draw_files
    from nastk.run import RunError

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
