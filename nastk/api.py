"""The Python face: what the command line does, as functions. `import nastk` offers them, and loads no torch.

The same workflows, the same files in the run directory and the same errors (ValueError, in one line) as
the commands of these names. Nothing is printed: steps and notes go to the functions that are handed over.
KeyboardInterrupt leaves a run that `open(path).resume()` continues. Nothing global is left changed, so
that two searches in one process, or in two threads of it, do not disturb each other.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nastk.archs import Arch
from nastk.config import Config, setting_word
from nastk.engine.progress import Progress
from nastk.engine.signals import Stopped
from nastk.genotype import Genotype
from nastk.networks.classifier import Classifier, load_classifier
from nastk.workflows.directory import new_run
from nastk.workflows.evaluate import configure_evaluate, resume_evaluate
from nastk.workflows.export import export as write_export
from nastk.workflows.predict import Prediction, find_images
from nastk.workflows.predict import predict as classify_files
from nastk.workflows.rank import Comparison
from nastk.workflows.rank import rank as compare
from nastk.workflows.records import Record, SearchRecord, TrainingRecord, open_record
from nastk.workflows.report import report
from nastk.workflows.request import Request
from nastk.workflows.search import configure_search, resume_search
from nastk.workflows.search import search as run_search
from nastk.workflows.training import train_network, weights_to_start
from nastk.workflows.transfer import configure_transfer, resume_transfer

PathLike = str | os.PathLike[str]
OnStep = Callable[[int, int, dict[str, Any]], None]  # step, number of all steps, figures of the step
OnNote = Callable[[str], None]  # a line for a person


class SearchRun(SearchRecord):
    """A search in its run directory, of any state.

    path, config, finished and metrics are there at any time; genotype, score, ranking, details and summary
    raise ValueError as long as the search is not finished.
    """

    def resume(self, *, progress: OnStep | None = None, note: OnNote | None = None) -> SearchRun:
        """Continue the search to its end; the result is the one an uninterrupted run gives, bit for bit on the CPU.

        A finished one stays as it is. Raises ValueError and KeyboardInterrupt as `search` does.
        """
        with _signals_go_on():
            resume_search(self.path, _Told(progress, note))
        return SearchRun(self.path)


class TrainingRun(TrainingRecord):
    """An evaluation or a transfer in its run directory, of any state.

    path, config, finished and metrics are there at any time; genotype, test_accuracy (%), test, params,
    macs, weights and summary raise ValueError as long as the training is not finished.
    """

    def resume(self, *, progress: OnStep | None = None, note: OnNote | None = None) -> TrainingRun:
        """Continue the training to its end, as `SearchRun.resume` does a search."""
        resume = resume_evaluate if self.config.command == "evaluate" else resume_transfer
        with _signals_go_on():
            resume(self.path, _Told(progress, note))
        return TrainingRun(self.path)


def search(
    method: str | None = None,
    *,
    dataset: PathLike | None = None,
    space: str | None = None,
    preset: str | None = None,
    config: PathLike | None = None,
    settings: Mapping[str, Any] | None = None,
    run_dir: PathLike | None = None,
    data_dir: PathLike | None = None,
    seed: int | None = None,
    device: str | None = None,
    progress: OnStep | None = None,
    note: OnNote | None = None,
) -> SearchRun:
    """Find an architecture by `method`, a name of `nastk list methods`; None: that of `config`.

    dataset: a known name, a directory of class folders, or a .csv, .zip or .npz file (docs/own-images.md); None: the
    digits that come with nastk.
    config: the config.yaml of an earlier search, to run it again: in place of the defaults and the preset, and what
    is asked for besides changes it.
    settings: "group.key" -> value, as `nastk config search --method METHOD` prints them.
    run_dir: a new directory for the run's files; None: one below ./runs.
    seed: of all random streams. device: auto, cpu or cuda.
    progress: called after every step with its number, the number of all steps and its figures.
    note: called with each line that the command line would tell a person.

    Raises ValueError, in one line, for what cannot be searched, and KeyboardInterrupt on Ctrl-C, after which
    `open(run_dir).resume()` goes on.
    """
    told, request = _Told(progress, note), _request(dataset, preset, config, settings, data_dir, seed, device)
    resolved = configure_search(method, space, request, told)
    make_run = new_run(_path(run_dir), f"search-{resolved.name}", resolved.data.dataset)
    with _signals_go_on():
        return SearchRun(run_search(resolved, make_run, told).path)


def evaluate(
    arch: Genotype | SearchRun | PathLike | None = None,
    *,
    weights: PathLike | None = None,
    dataset: PathLike | None = None,
    preset: str | None = None,
    config: PathLike | None = None,
    settings: Mapping[str, Any] | None = None,
    run_dir: PathLike | None = None,
    data_dir: PathLike | None = None,
    seed: int | None = None,
    device: str | None = None,
    progress: OnStep | None = None,
    note: OnNote | None = None,
) -> TrainingRun:
    """Train the network of an architecture, from scratch or from given weights, and test it.

    arch: a genotype, a search, or what the command line's ARCH may be (a file, a run directory, a published
    cell's name). weights: start from this weights file of an earlier training, which brings its architecture
    along; arch is None then. dataset: None: the one it was searched on, or the weights were trained on. config: that
    of an earlier evaluation, whose architecture and weights come along, too. The others are those of `search`.
    """
    told, request = _Told(progress, note), _request(dataset, preset, config, settings, data_dir, seed, device)
    named, start = _arch_or_none(arch), _path(weights)
    resolved, found = configure_evaluate(named, request, told, weights=start)
    start = weights_to_start(request, named, start, found)
    return _train(resolved, found, start, run_dir, told)


def transfer(
    task: str | None = None,
    arch: Genotype | SearchRun | PathLike | None = None,
    *,
    weights: PathLike | None = None,
    dataset: PathLike | None = None,
    preset: str | None = None,
    config: PathLike | None = None,
    settings: Mapping[str, Any] | None = None,
    run_dir: PathLike | None = None,
    data_dir: PathLike | None = None,
    seed: int | None = None,
    device: str | None = None,
    progress: OnStep | None = None,
    note: OnNote | None = None,
) -> TrainingRun:
    """Train the network of an architecture for a task, a name of `nastk list tasks`; None: that of `config`.

    weights: start from this weights file of an earlier training, which brings its architecture along; arch is
    None then. The others are those of `evaluate`.
    """
    told, request = _Told(progress, note), _request(dataset, preset, config, settings, data_dir, seed, device)
    named, start = _arch_or_none(arch), _path(weights)
    resolved, found = configure_transfer(task, named, start, request, told)
    start = weights_to_start(request, named, start, found)
    return _train(resolved, found, start, run_dir, told)


def rank(
    scores: SearchRun | PathLike | Sequence[SearchRun | PathLike],
    truth: SearchRun | PathLike,
    *,
    dataset: str | None = None,
    note: OnNote | None = None,
) -> Comparison:
    """How well scores order architectures as the truth does: kendall_tau_b, spearman, and all else in `figures`.

    Each is a search or its run directory, or TABLE.npz:COLUMN, a column of a published table; several scores
    are those of several seeds. A search as truth means training each of its architectures alone, which takes
    hours; what is done is kept in its run directory. dataset: which one of a table's.
    """
    several = [scores] if isinstance(scores, (SearchRun, str, os.PathLike)) else list(scores)
    return compare([_place(side) for side in several], _place(truth), dataset, _Told(None, note))


def write_report(
    runs: SearchRun | TrainingRun | PathLike | Sequence[SearchRun | TrainingRun | PathLike],
    out: PathLike = "report.html",
) -> Path:
    """Write a page of HTML about runs, of any state, in place of an earlier report; returns its path.

    Several runs are compared. ValueError for what is no run, and for a file that is no report.
    """
    several = [runs] if isinstance(runs, (SearchRun, TrainingRun, str, os.PathLike)) else list(runs)
    report([run.path if isinstance(run, Record) else Path(run) for run in several], Path(out))
    return Path(out)


def load(path: TrainingRun | PathLike) -> Classifier:
    """The network that an evaluation or a transfer trained, in eval mode on the CPU; `.predict("cat.jpg")`.

    path: the run, its directory, or its weights file. ValueError for anything else.
    """
    return load_classifier(Path(path.path if isinstance(path, TrainingRun) else path))


def predict(
    network: Classifier | TrainingRun | PathLike,
    images: PathLike | Sequence[PathLike],
    *,
    top: int = 5,
    note: OnNote | None = None,
) -> Iterator[Prediction]:
    """The `top` most likely classes of image files, in their order: faster than one `load(...).predict` after another.

    network: what `load` gives, or takes. images: files, and directories of them at any depth. Each file's
    Prediction has its path and its classes, with their probabilities, best first; of one that cannot be read it
    says why (`unreadable`). ValueError for a network that is none, and for a directory without images.
    """
    if top < 1:
        raise ValueError(f"top: expected at least 1, found {top}")
    several = [images] if isinstance(images, (str, os.PathLike)) else list(images)
    paths = find_images([os.fspath(place) for place in several], _Told(None, note))
    return classify_files(network if isinstance(network, Classifier) else load(network), paths, top)


def export(
    arch: Genotype | SearchRun | TrainingRun | PathLike,
    *,
    format: str,
    weights: PathLike | None = None,
    out: PathLike | None = None,
    note: OnNote | None = None,
) -> Path:
    """Write a trained network for other programs: onnx, torch-export, safetensors or python (docs/taking-away.md).

    arch: a training, its run directory or weights file; or an architecture as `evaluate` takes it, to which
    `weights` belong. out: where to; None: in the working directory, named after the run. An earlier file that
    differs is renamed. Returns the file or folder. ValueError for what cannot be exported.
    """
    source = arch.path if isinstance(arch, TrainingRun) else arch
    return write_export(
        _arch(source), format, weights=_path(weights), out=_path(out), progress=_Told(None, note)
    )


def open(path: PathLike) -> SearchRun | TrainingRun:
    """The run in a directory, of any state: config, metrics, results, `.resume()`; ValueError if there is none."""
    found = open_record(Path(path))
    return SearchRun(found.path) if isinstance(found, SearchRecord) else TrainingRun(found.path)


class _Told(Progress):
    """Hands on what is told to the caller's functions."""

    def __init__(self, on_step: OnStep | None, on_note: OnNote | None) -> None:
        self._on_step, self._on_note = on_step, on_note
        self._num_steps = 0

    def note(self, text: str) -> None:
        if self._on_note is not None:
            self._on_note(text)

    @contextmanager
    def showing(self, num_steps: int, first_step: int) -> Iterator[None]:  # noqa: ARG002
        self._num_steps = num_steps
        yield

    def update(self, step: int, metrics: dict[str, Any]) -> None:
        if self._on_step is not None:
            self._on_step(step, self._num_steps, metrics)


@contextmanager
def _signals_go_on() -> Iterator[None]:
    """A signal that stopped a run, after its checkpoint, does what it would have done without nastk."""
    try:
        yield
    except Stopped as stopped:
        signal.raise_signal(stopped.signal_number)  # KeyboardInterrupt, unless the caller handles SIGINT
        raise


def _request(
    dataset: PathLike | None,
    preset: str | None,
    config: PathLike | None,
    settings: Mapping[str, Any] | None,
    data_dir: PathLike | None,
    seed: int | None,
    device: str | None,
) -> Request:
    words = tuple(setting_word(key, value) for key, value in (settings or {}).items())
    return Request(words, _text(dataset), _text(data_dir), preset, seed, device, _path(config))


def _train(
    config: Config, found: Arch, weights: Path | None, run_dir: PathLike | None, told: Progress
) -> TrainingRun:
    make_run = new_run(_path(run_dir), f"{config.command}-{found.name}", config.data.dataset)
    with _signals_go_on():
        return TrainingRun(train_network(config, found, make_run, told, weights=weights).path)


def _text(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path)


def _arch(arch: Genotype | SearchRun | PathLike) -> str | Arch:
    return Arch("genotype", arch, {}) if isinstance(arch, Genotype) else _place(arch)


def _arch_or_none(arch: Genotype | SearchRun | PathLike | None) -> str | Arch | None:
    return None if arch is None else _arch(arch)


def _place(side: SearchRun | PathLike) -> str:
    return str(side.path) if isinstance(side, SearchRun) else os.fspath(side)
