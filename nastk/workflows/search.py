"""A search: from what was asked for to a genotype in a run directory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from nastk import __version__, registry
from nastk.config import Config, resolve, resolve_from, search_class
from nastk.costs.prices import Cost
from nastk.data.search_images import SearchImages, load_search_images
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.genotype import to_json
from nastk.report.drawings import draw_details, draw_files
from nastk.run import Run, RunError
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.weight_sharing.timing import seconds_of_a_search
from nastk.workflows.directory import OpenRun, open_resumed
from nastk.workflows.driving import drive_job
from nastk.workflows.front import write_front
from nastk.workflows.inputs import RunInputs
from nastk.workflows.network_size import network_size
from nastk.workflows.pricing import Pricing
from nastk.workflows.records import SearchRecord
from nastk.workflows.request import Request
from nastk.workflows.result_file import NotCopied, write_result_file
from nastk.workflows.result_text import search_result
from nastk.workflows.runs import HOME
from nastk.workflows.summary import reproduce_command, write_summary
from nastk.workflows.timing import fit_to_minutes, time_note


def configure_search(method: str | None, space: str | None, request: Request, progress: Progress) -> Config:
    """The configuration of a search by `method`; ValueError in the user's words.

    method: None only with a configuration to begin with, whose method it is.
    """
    of_space = [f"space.name={space}"] if space else []
    base = request.base("search", method)
    if base is not None:
        return resolve_from(base, request.all_words(request.dataset) + of_space)
    if method is None:
        raise ValueError(f"--method is missing; known: {', '.join(sorted(registry.methods()))}")
    registry.find("method", registry.methods(), method)
    dataset = request.chosen_dataset()
    if dataset is None:
        progress.note("data set: digits, which come with nastk (--dataset chooses another)")
        dataset = "digits"
    words = request.all_words(dataset) + of_space
    return resolve("search", method, request.chosen_preset(dataset, progress), words)


def search(
    config: Config,
    open_run: OpenRun,
    progress: Progress,
    *,
    copy_to: Path | None = None,
    fresh: bool = True,
) -> SearchRecord:
    """Run a search to its end, from the run's checkpoint if it has one.

    fresh: the run is a new one, whose budget may be fitted to `run.minutes`.
    copy_to: where the genotype is written besides. If it cannot be, NotCopied says so, after all else is done.
    Raises Stopped or KeyboardInterrupt on a signal: the run can then be continued.
    """
    engine = Engine(config.engine, config.run.seed)
    with engine.in_force():
        inputs = RunInputs(config)
        job, pricing = _build(config, engine, inputs, progress)
        inputs.add_named_files(config)  # a latency table may have been made
        seconds = None
        if fresh:
            config, job, seconds = fit_to_minutes(
                config,
                job,
                job.budget,
                seconds_of_a_search,
                lambda fitted: _build(fitted, Engine(config.engine, config.run.seed), inputs, Progress())[0],
                progress,
            )
            engine = job.context.engine
        for note in job.notes():
            progress.note(note)
        if seconds is not None:
            progress.note(time_note(seconds, job.num_steps))
        with closing(open_run()) as run:
            steps, wall_s = drive_job(job, run, engine, config, progress, inputs=inputs)
            return _finish(run, config, engine, job, pricing, steps, wall_s, progress, copy_to)


def resume_search(path: Path, progress: Progress, *, copy_to: Path | None = None) -> SearchRecord | None:
    """Continue the search in `path` by its own configuration; None if it is finished, which is said."""
    opened = open_resumed(path, "search", progress)
    if opened is None:
        return None
    run, config = opened
    with closing(run):
        return search(config, lambda: run, progress, copy_to=copy_to, fresh=False)


def _build(config: Config, engine: Engine, inputs: RunInputs, progress: Progress) -> tuple[Search, Pricing]:
    """The search that the configuration asks for, and what its networks cost.

    ValueError if the method cannot take the space, or if nothing is within the limits.

    Images are added to `inputs` when the method first asks for them.
    """
    assert config.space is not None
    method = search_class(config.name, config.settings())
    space = registry.load_space(config.space.name)
    if not method.takes(space):
        takes = sorted(name for name, known in registry.loaded_spaces().items() if method.takes(known))
        name = f"{config.name} over {method.builds_on}" if method.builds_on else config.name
        raise ValueError(f"method {name} cannot take space {space.name!r}, only {' or '.join(takes)}")

    if config.engine.compile and not method.compiles:
        raise ValueError(
            f"engine.compile: method {config.name} trains other operations at every step, and each would be compiled "
            "anew; mixtures are compiled, and what evaluate and transfer train"
        )

    def load_images() -> SearchImages:
        registry.space_entry(space.name).check_networks()  # of what there are only tables, nothing is trained
        images = load_search_images(
            config.data, config.train.batch_size, engine.device, engine.streams["splitting"]
        )
        inputs.add("training images", images)
        for note in images.notes:
            progress.note(note)
        return images

    mask = space.mask_of(config.space.operations)
    pricing = Pricing(config, space, engine, progress)
    search: Search = method(SearchContext(config, space, mask, engine, load_images, pricing.limit))
    _ = search.allowance  # refused now, where nothing is within the limits
    return search, pricing


def _finish(
    run: Run, config: Config, engine: Engine, job: Search, pricing: Pricing, steps: int, wall_s: float,
    progress: Progress, copy_to: Path | None,
) -> SearchRecord:  # fmt: skip
    """Write down what the finished job has found."""
    result = job.result()
    score = {"name": result.score.metric} | {
        name: value for name, value in result.score.to_json().items() if name != "metric"
    }
    provenance = {
        "method": config.name,
        "dataset": config.data.dataset,
        "seed": config.run.seed,
        "score": {name: score[name] for name in ("name", "value", "direction", "split")},
        "nastk": __version__,
        "command": reproduce_command(config),
    }
    text = to_json(result.genotype, provenance)
    costs = pricing.costs(job.network_input, [genotype for genotype, _ in result.ranking])
    _write_result(run, result, text, provenance, costs)
    if costs is not None:
        write_front(run, result, costs, pricing.limits)
    size = _sizes(config, job, result, pricing)
    not_copied = None
    if copy_to is not None:
        try:
            write_result_file(copy_to, text, progress, [run.path.parent, HOME])
        except RunError as error:
            not_copied = NotCopied(error, run.path / "genotype.json")
    about = size | {"remarks": result.remarks + _beyond(job, result)}

    def result_text(summary: dict[str, Any]) -> str:
        return search_result(result.genotype, summary)

    write_summary(run, config, engine, result_text, steps=steps, wall_s=wall_s, score=score, **about)
    if not_copied is not None:
        raise not_copied
    return SearchRecord(run.path)


def _beyond(job: Search, result: SearchResult) -> list[str]:
    """Another package's method may not look at the limits."""
    if job.allowance is None or job.allowance.excess(result.genotype) == 0:
        return []
    return [
        f"beyond the limits ({job.allowance.limits}): method {job.context.config.name} does not keep them"
    ]


def _sizes(config: Config, job: Search, result: SearchResult, pricing: Pricing) -> dict[str, Any]:
    """Parameters and MACs of the found network as publications build it, as evaluate does, and as it was searched."""
    if job.network_input is None:
        return {"params": None, "macs": None}
    image_shape, num_classes = job.network_input
    images: Any = {"num_classes": num_classes, "image_shape": image_shape}
    published = network_size(result.genotype, **images)
    size = config.network.init_channels, config.network.num_cells
    searched = network_size(result.genotype, **images, init_channels=size[0], num_cells=size[1])
    return {
        "params": published["params"],
        "macs": published["macs"],
        "network": published,  # whose params and macs these are
        "evaluated_network": pricing.evaluated(job.network_input, result.genotype),
        "searched_network": searched,
    }


def _write_result(
    run: Run, result: SearchResult, text: str, provenance: dict[str, Any], costs: list[Cost] | None
) -> None:
    """All that a search found, in the run directory.

    text: the genotype file's, with its provenance. costs: of each of the ranking; None where none is known.
    """

    def write_pictures(pictures: dict[str, str]) -> None:
        for stem, picture in pictures.items():
            run.write_text(f"{stem}.svg", picture)

    space = registry.load_space(result.genotype.space)
    run.write_text("genotype.json", text)
    run.write_json(
        "ranking.json",
        [
            {"score": score.to_json(), "genotype": space.body_to_json(genotype.body)}
            | more
            | (costs[place].to_json() if costs is not None else {})
            for place, (genotype, score, more) in enumerate(result.ranked())
        ],
    )
    for name, genotype in result.others.items():
        run.write_text(f"{name}.json", to_json(genotype, provenance | {"score": None}))
        write_pictures(draw_files(genotype, f"{name}_cell"))
    if result.details:
        run.write_json("details.json", result.details)
        write_pictures(draw_details(result.details))
    write_pictures(draw_files(result.genotype, "cell"))
