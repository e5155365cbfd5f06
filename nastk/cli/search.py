"""nastk search: find a cell."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nastk import __version__, registry
from nastk.cli.options import CommonOptions, choose_preset, common_options, say
from nastk.cli.running import (
    drive_job,
    network_size,
    new_run,
    open_resumed,
    reproduce_command,
    write_result_file,
    write_summary,
)
from nastk.config import Config, resolve, search_class
from nastk.run import Run, RunError

if TYPE_CHECKING:
    from nastk.engine.device import Engine
    from nastk.search_method import Search, SearchResult


@click.command(short_help="Find a cell.")
@click.option("--method", metavar="METHOD", help="How to search (nastk list methods).")
@click.option(
    "--space", metavar="SPACE", help="Where to search (nastk list spaces); default: the method's own."
)
@common_options
def search(method: str | None, space: str | None, options: CommonOptions) -> None:
    """Find a cell: nastk search --method relativenas.

    The settings are KEY=VALUE words such as search.population=8 train.lr=0.05; `nastk config search
    --method METHOD` prints them all. Without --dataset the search is on handwritten digits that come
    with nastk. The result is genotype.json, in the run directory and here.

    The line `memory:` counts the tensors of the largest training step: activations, weights, gradients,
    momentum. The CPU's allocator can take nearly twice that; the data set and CUDA itself come on top.
    """
    if options.resume is not None:
        options.check_resume(method=method, space=space)
        run, config = open_resumed(options.resume, "search")
        _search(lambda: run, config, options.quiet)
        return
    if method is None:
        raise click.UsageError(f"--method is missing; known: {', '.join(sorted(registry.methods()))}")
    registry.find("method", registry.methods(), method)
    dataset = options.chosen_dataset()
    if dataset is None:
        say("data set: digits, which come with nastk (--dataset chooses another)")
        dataset = "digits"
    make_run = new_run(options, f"search-{method}", dataset)
    words = options.words(dataset) + ([f"space.name={space}"] if space else [])
    config = resolve("search", method, choose_preset(options, dataset), words)
    _search(make_run, config, options.quiet)


def _search(open_run: Callable[[], Run], config: Config, quiet: bool) -> None:
    """Run a search to its end, from the run's checkpoint if it has one.

    open_run is called when all that a user can get wrong has been checked.
    """
    from nastk.engine.device import Engine
    from nastk.genotype import to_json
    from nastk.report.drawings import describe

    engine = Engine(config.engine, config.run.seed)
    job = _build(config, engine)
    for note in job.notes():
        say(note)
    run = open_run()
    steps, wall_s = drive_job(job, run, engine, config, quiet=quiet)

    result = job.result()
    score = {"name": result.score.metric} | {
        name: getattr(result.score, name) for name in ("value", "direction", "split")
    }
    provenance = {
        "method": config.name,
        "dataset": config.data.dataset,
        "seed": config.run.seed,
        "score": score,
        "nastk": __version__,
        "command": reproduce_command(config),
    }
    text = to_json(result.genotype, provenance)
    pictures = _write_result(run, result, text, provenance)
    params, macs = None, None
    if job.network_input is not None:
        params, macs = network_size(result.genotype, *job.network_input)
    not_copied = None
    try:
        copy = write_result_file("genotype.json", text)
    except RunError as error:
        copy, not_copied = run.path / "genotype.json", error
    # It says that the run is finished, and so comes last.
    write_summary(run, config, engine, steps=steps, wall_s=wall_s, score=score, params=params, macs=macs)

    click.echo(describe(result.genotype))
    beside = f" (accuracy {result.score.accuracy:.2f} %)" if score["name"] == "cross_entropy" else ""
    click.echo(f"{score['split']} {score['name']} {score['value']:.4f}{beside}, {wall_s:.0f} s")
    for remark in result.remarks:
        click.echo(remark)
    if pictures:
        say(f"pictures: {', '.join(map(str, pictures))}")
    known = config.data.dataset in registry.DATASETS or os.path.exists(config.data.dataset)
    if job.network_input is not None and known:  # a table may be of images that nastk does not have
        say(f"next: nastk evaluate --arch {copy}")
    if not_copied is not None:
        raise RunError(f"{not_copied} (the genotype is in {copy})")


def _build(config: Config, engine: Engine) -> Search:
    """The search that the configuration asks for; ValueError if the method cannot take the space."""
    from nastk.data.search_images import SearchImages, load_search_images
    from nastk.search_method import SearchContext

    assert config.space is not None
    method = search_class(config.name, config.settings())
    space = registry.load_space(config.space.name)
    if not method.takes(space):
        takes = [name for name in sorted(registry.SPACES) if method.takes(registry.load_space(name))]
        name = f"{config.name} over {method.builds_on}" if method.builds_on else config.name
        raise ValueError(f"method {name} cannot take space {space.name!r}, only {' or '.join(takes)}")

    def load_images() -> SearchImages:
        registry.SPACES[space.name].check_networks()  # of what there are only tables, nothing is trained
        images = load_search_images(
            config.data, config.train.batch_size, engine.device, engine.streams["splitting"]
        )
        for note in images.notes:
            say(note)
        return images

    mask = space.mask_of(config.space.operations)
    search: Search = method(SearchContext(config, space, mask, engine, load_images))
    return search


def _write_result(run: Run, result: SearchResult, text: str, provenance: dict[str, Any]) -> list[Path]:
    """All that a search found, in the run directory; the pictures of the cell it settled on.

    text: the genotype file's, with its provenance.
    """
    from nastk.genotype import to_json
    from nastk.report.drawings import draw_details, draw_files

    def write_pictures(pictures: dict[str, str]) -> list[Path]:
        for stem, picture in pictures.items():
            run.write_text(f"{stem}.svg", picture)
        return [run.path / f"{stem}.svg" for stem in pictures]

    space = registry.load_space(result.genotype.space)
    run.write_text("genotype.json", text)
    run.write_json(
        "ranking.json",
        [
            {"score": score.to_json(), "genotype": space.body_to_json(genotype.body)} | more
            for genotype, score, more in result.ranked()
        ],
    )
    for name, genotype in result.others.items():
        run.write_text(f"{name}.json", to_json(genotype, provenance | {"score": None}))
        write_pictures(draw_files(genotype, f"{name}_cell"))
    if result.details:
        run.write_json("details.json", result.details)
        write_pictures(draw_details(result.details))
    return write_pictures(draw_files(result.genotype, "cell"))
