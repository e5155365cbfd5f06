"""The course of a run: its directory, driving it, what it leaves behind."""

from __future__ import annotations

import itertools
import os
import platform
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from nastk import __version__
from nastk.cli.options import CommonOptions, say
from nastk.config import Config, flatten, from_yaml, resolve, to_yaml
from nastk.run import Run, RunError, make_anew
from nastk.yaml_text import yaml_line

if TYPE_CHECKING:
    from nastk.archs import Arch
    from nastk.engine.device import Engine
    from nastk.engine.drive import Job
    from nastk.genotype import Genotype


def new_run(options: CommonOptions, what: str, dataset: str) -> Callable[[], Run]:
    """What makes --run-dir, or runs/<what>-<dataset>-<timestamp>; RunError if it cannot be made."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    numbered = options.run_dir is None
    path = options.run_dir or Path("runs") / f"{what}-{Path(dataset).stem}-{stamp}"
    if not numbered:
        Run.check_new(path)
    return lambda: _held(Run.create(path, numbered=numbered))


def open_resumed(path: Path, command: str) -> tuple[Run, Config]:
    """The run to continue and its configuration; RunError if it is another command's.

    A finished run is said to be so, and the command ends there.
    """
    run = _held(Run.open(path))
    try:
        config = from_yaml(run.read_text("config.yaml"))
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{run.path / 'config.yaml'}: {error}") from None
    if config.command != command:
        raise RunError(f"{path} is a run of nastk {config.command}: nastk {config.command} --resume {path}")
    if run.has("summary.json"):
        result = run.path / ("genotype.json" if command == "search" else "summary.json")
        say(f"{run.path} is finished; its result is {result}")
        raise click.exceptions.Exit(0)
    return run, config


def read_resumed_arch(run: Run) -> Arch:
    """The architecture that an evaluation or a transfer was started with."""
    from nastk.archs import RUN_FILE, Arch, load_arch

    if not run.has(RUN_FILE):
        raise RunError(f"{run.path / RUN_FILE} is missing, the cell that the run was started with")
    found = load_arch(str(run.path))
    return Arch(str(found.provenance.get("arch", found.name)), found.genotype, found.provenance)


def _held(run: Run) -> Run:
    """The run, given back when the command ends."""
    click.get_current_context().call_on_close(run.close)
    return run


def drive_job(
    job: Job,
    run: Run,
    engine: Engine,
    config: Config,
    *,
    quiet: bool,
    started_with: Mapping[str, str] | None = None,
) -> tuple[int, float]:
    """engine.drive with this terminal, from the run's checkpoint if it has one.

    config.yaml is there from here on, and so the run can be continued. On a signal, says how, and
    exits with 130 or 143. ValueError where GPU memory runs out, with what to try.
    """
    import torch

    from nastk.engine import checkpoint
    from nastk.engine.drive import drive
    from nastk.engine.progress import Progress
    from nastk.engine.signals import Stopped

    if not run.has("config.yaml"):
        run.write_text("config.yaml", to_yaml(config))
    text = run.read_text("config.yaml")  # of an older nastk, it may lack a key or comment on one otherwise
    progress = Progress(Console(stderr=True), quiet=quiet)
    to_continue = f"To continue: nastk {config.command} --resume {shlex.quote(str(run.path))}"
    engine.stop.on_waiting = lambda: progress.note(
        "stopping after this step, or within 10 s; Ctrl-C again stops at once"
    )
    say(f"run directory: {run.path} ({engine.describe()}, seed {config.run.seed})")
    resume = run.has(checkpoint.NAME)
    try:
        memory = job.peak_memory() if not resume else None
        if memory is not None:
            images = f"{config.train.batch_size} images (train.batch_size)"
            say(f"memory: about {_binary(memory)} for a step on {images}")
        return drive(
            job,
            run,
            engine,
            progress,
            config=text,
            checkpoint_every=config.run.checkpoint_every,
            resume=resume,
            started_with=started_with,
        )
    except Stopped as stopped:
        say(f"Stopped by {stopped}. {to_continue}")
        raise click.exceptions.Exit(128 + stopped.signal_number) from None
    except torch.OutOfMemoryError as error:
        anew = " in a new run: a resumed one keeps its configuration" if resume else ""
        raise ValueError(f"out of GPU memory; try {_smaller(config)}{anew}") from error
    except KeyboardInterrupt:
        say(to_continue)
        raise


def _binary(num_bytes: int) -> str:
    """A number of bytes for a person: 5.3 GiB, 840 MiB."""
    mib = num_bytes / 2**20
    return f"{mib / 1024:.1f} GiB" if mib >= 1000 else f"{max(1, round(mib))} MiB"


def _smaller(config: Config) -> str:
    """The words that halve what a step takes: the batch, else the network."""
    batch_size, channels = config.train.batch_size, config.network.init_channels
    words = []
    if batch_size > 1:
        words.append(f"train.batch_size={batch_size // 2}")
    elif channels > 1:
        words.append(f"network.init_channels={channels // 2}")
    testing = getattr(config.train, "eval_batch_size", 1)  # only where test images are looked at
    if testing > 1:
        words.append(f"train.eval_batch_size={testing // 2}")
    return " ".join(words) or "engine.device=cpu"


def write_summary(
    run: Run, config: Config, engine: Engine, *, steps: int, wall_s: float, **content: Any
) -> None:
    about = "method" if config.command == "search" else "arch"
    run.write_json(
        "summary.json",
        {"command": config.command}
        | ({} if about in content else {about: config.name})
        | {"dataset": config.data.dataset, "seed": config.run.seed}
        | content
        | {
            "wall_s": round(wall_s, 3),
            "steps": steps,
            "device": engine.describe(),
            "versions": {
                "nastk": __version__,
                "torch": version("torch"),
                "python": platform.python_version(),
            },
        },
    )


def reproduce_command(config: Config) -> str:
    """The command line that gives this configuration: what differs from the preset is spelt out.

    Some settings bring others along (search.base those of a method): these are looked at in a further round.
    """
    flag = {"search": "--method", "evaluate": "--arch", "transfer": "--task"}[config.command]
    words: dict[str, str] = {}
    while True:
        known = dict(_values(resolve(config.command, config.name, config.preset, [*words.values()])))
        more = {
            key: _word(key, value)
            for key, value in _values(config)
            if key in known and key not in words and known[key] != value
        }
        if not more:
            break
        words |= more
    return shlex.join(
        ["nastk", config.command, flag, config.name, "--preset", config.preset, *words.values()]
    )


def _word(key: str, value: Any) -> str:
    """KEY=VALUE: a text stands for itself, everything else is YAML."""
    return f"{key}={value}" if isinstance(value, str) else yaml_line(key, value).replace(": ", "=", 1)


def _values(config: Config) -> list[tuple[str, Any]]:
    return list(flatten({group: vars(values) for group, values in config.groups()}))


def _holds(path: Path, text: str) -> bool:
    """Whether the file has this text; not, if another run has just taken it away."""
    try:
        return path.is_file() and path.read_bytes() == text.encode()
    except FileNotFoundError:
        return False


def write_result_file(name: str, text: str) -> Path:
    """Write ./name; a different file already there is first renamed name.1, name.2, ...: nothing is lost.

    Not even where several runs end at the same moment.
    """
    path = Path(name)
    temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
    try:
        make_anew(temporary)
        temporary.write_text(text, encoding="utf-8")
        while not _put(temporary, path):
            if _holds(path, text):
                break
            kept = _keep(path)
            if kept is not None:
                say(f"kept the earlier {path} as {kept}")
    except OSError as error:
        raise RunError(f"./{path}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _put(source: Path, path: Path) -> bool:
    """Give `source` the name `path`, unless that is taken."""
    try:
        os.link(source, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        os.replace(source, path)
    return True


def _keep(path: Path) -> Path | None:
    """Rename `path` to the first free of name.1, name.2, ...; None if it has gone meanwhile."""
    for number in itertools.count(1):
        kept = path.with_name(f"{path.stem}.{number}{path.suffix}")
        try:
            os.close(os.open(kept, os.O_CREAT | os.O_EXCL))  # so that the number is ours
            break
        except FileExistsError:
            continue
    try:
        os.replace(path, kept)
    except OSError as error:
        kept.unlink()
        if not isinstance(error, FileNotFoundError):
            raise
        return None
    return kept


def network_size(genotype: Genotype, image_shape: tuple[int, int, int], num_classes: int) -> tuple[int, int]:
    """Parameters and MACs of the genotype's network in the size that the space's publications report."""
    import torch

    from nastk import registry
    from nastk.networks.counting import count_macs, count_parameters

    size = registry.load_space(genotype.space).published_size
    with torch.device("meta"):
        network = registry.SPACES[genotype.space].load_network()(
            genotype, **size._asdict(), num_classes=num_classes, channels_in=image_shape[0]
        )
    return count_parameters(network), count_macs(network, image_shape)
