"""nastk search: find a cell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nastk import registry
from nastk.cli.options import CommonOptions, common_options, say

if TYPE_CHECKING:
    from nastk.workflows.records import SearchRecord

COPY = Path("genotype.json")


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
    elif method is None and options.config is None:
        raise click.UsageError(f"--method is missing; known: {', '.join(sorted(registry.methods()))}")

    from nastk.cli.progress import TerminalProgress
    from nastk.workflows.directory import new_run
    from nastk.workflows.records import SearchRecord
    from nastk.workflows.result_file import NotCopied
    from nastk.workflows.search import configure_search, resume_search
    from nastk.workflows.search import search as run_search

    progress = TerminalProgress(plain=options.plain, quiet=options.quiet)
    found: SearchRecord | None
    try:
        if options.resume is not None:
            found = resume_search(options.resume, progress, copy_to=COPY)
        else:
            config = configure_search(method, space, options.request, progress)
            make_run = new_run(options.run_dir, f"search-{config.name}", config.data.dataset)
            found = run_search(config, make_run, progress, copy_to=COPY)
    except NotCopied as error:
        _tell(SearchRecord(error.path.parent), error.path, quiet=options.quiet)
        raise
    if found is not None:
        _tell(found, COPY, quiet=options.quiet)


def _tell(found: SearchRecord, copy: Path, *, quiet: bool) -> None:
    """The result on stdout; unless quiet, what can be done with the genotype, which is in `copy` too."""
    from nastk.report.drawings import draw_files

    click.echo(found.result_text, nl=False)
    if quiet:
        return
    genotype, summary = found.genotype, found.summary
    pictures = [str(found.path / f"{stem}.svg") for stem in draw_files(genotype, "cell")]
    if pictures:
        say(f"pictures: {', '.join(pictures)}")
    dataset = summary["dataset"]
    known = dataset in registry.DATASETS or os.path.exists(dataset)
    if summary["params"] is not None and known:  # a table may be of images that nastk does not have
        say(f"next: nastk evaluate --arch {copy}")
