"""The least run of every method that has something of each of its phases, and what it leaves after every step."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import torch

from nastk.config import search_class
from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.digest import digest
from nastk.run import Run
from nastk.search_method import Search, SearchContext, SearchResult

# As many epochs that an optimiser's state is gone on from within a phase; of three pairs one has a slow learner with a
# velocity, whoever is slow.
EPOCHS = ("train.epochs=2",)
PAIRS = ("search.population=2", "search.generations=3")
RUNS: dict[str, tuple[str, ...]] = {
    "relativenas": PAIRS,
    "random": PAIRS,
    "evolution": ("search.population=2", "search.sample_size=2", "search.evaluations=4"),
    "darts": EPOCHS,
    "snas": EPOCHS,
    "rsps": (*EPOCHS, "search.candidates=2"),
    "pdarts": (
        *(
            "train.epochs=3",
            "search.warmup_epochs=1",
            "search.add_cells=[0,0]",
            "search.num_operations=[8,2]",
        ),
        "search.skip_dropout=[0.1,0.0]",
    ),
    "fewshot": (
        *("space.name=nasbench201", "train.epochs=1", "search.base=rsps", "search.candidates=1"),
        *("search.groups=[2]", "search.rounds=1", "search.probe_epochs=2", "search.leaf_share=1.0"),
        *("search.leaf_weights=inherit", "search.choice=standalone", "search.choice_epochs=[1]"),
    ),
}
# Per space: operations with weights and without, one that is none; as few cells as there can be.
SPACES = {
    "darts": ("space.operations=[none,skip_connect,dil_conv_3x3]", "network.num_cells=1"),
    "relativenas": ("space.operations=[max_pool_3x3,skip_connect,dil_conv_3x3]", "network.num_cells=1"),
    "nasbench201": ("space.operations=[none,skip_connect,nor_conv_1x1]", "network.num_cells=3"),
}


def words_of(method: str, space: str | None = None) -> tuple[str, ...]:
    """The KEY=VALUE words of a method's least run, in its own space of the table or in `space`."""
    assert method in RUNS, f"tests/methods/tiny_runs.py has no least run of {method}"
    named = [word.removeprefix("space.name=") for word in RUNS[method] if word.startswith("space.name=")]
    space = space or (named or ["darts"])[0]
    return (*RUNS[method], f"space.name={space}", *SPACES[space])


@dataclasses.dataclass(frozen=True)
class Builder:
    """Builds one search, always the same, with an engine of its own each time."""

    method: str
    context: SearchContext

    @classmethod
    def of(
        cls,
        make_context: Callable[..., SearchContext],
        method: str,
        *,
        space: str | None = None,
        seed: int = 0,
    ) -> Builder:
        """Of a method's least run; in another space: with all of its operations."""
        words = words_of(method, space) + (("space.operations=null",) if space else ())
        return cls(method, make_context(method, *words, seed=seed))

    @property
    def search_class(self) -> type[Search]:
        return search_class(self.method, self.context.config.settings())

    def __call__(self, **changes: Any) -> Search:
        """changes: of the context."""
        engine = Engine(self.context.config.engine, self.context.config.run.seed)
        return self.search_class(dataclasses.replace(self.context, engine=engine, **changes))


@dataclasses.dataclass(frozen=True)
class TinyRun:
    """A whole run: its state after k steps, k = 0 ... n, as the bytes of a file and digested; what was told of n."""

    build: Builder
    files: list[bytes]
    digests: list[str]
    metrics: list[dict[str, Any]]
    result: SearchResult

    @classmethod
    def of(cls, build: Builder) -> TinyRun:
        search, files, digests, metrics = build(), [], [], []
        while True:
            file = io.BytesIO()
            torch.save(state_of(search), file)
            files.append(file.getvalue())
            digests.append(digest(state_of(search)))
            if search.finished:
                return cls(build, files, digests, metrics, search.result())
            metrics.append(search.step())

    def state(self, step: int) -> dict[str, Any]:
        """After `step` steps, just as a file gives it back."""
        content: dict[str, Any] = torch.load(io.BytesIO(self.files[step]), weights_only=True)
        return content

    def first_of_phases(self) -> list[int]:
        """The steps k after which the first one of a phase has just been done."""
        phases = ["", *(row["phase"] for row in self.metrics)]
        return [step for step in range(1, len(phases)) if phases[step] != phases[step - 1]]


def state_of(search: Search) -> dict[str, Any]:
    return {"job": search.state_dict(), "streams": search.context.engine.streams.state_dict()}


def check_going_on(
    tiny_run: TinyRun, directory: Path, *, steps: Iterable[int], whole: Collection[int] = ()
) -> None:
    """From what a file gives back, in a search built anew: states, streams, metrics and result, to the last bit.

    From each of `steps` the next step, from those in `whole` the whole rest.
    """
    run, last = Run.create(directory / "run"), len(tiny_run.metrics)
    for stop in steps:
        search = tiny_run.build()
        checkpoint.restore(tiny_run.state(stop), run, search.context.engine, search)
        assert digest(state_of(search)) == tiny_run.digests[stop]
        for step in range(stop, last if stop in whole else min(stop + 1, last)):
            assert not search.finished
            assert search.step() == tiny_run.metrics[step], (stop, step)
            assert digest(state_of(search)) == tiny_run.digests[step + 1], (stop, step)
        assert search.finished == (stop in whole or stop + 1 >= last)
        if search.finished:
            assert search.result() == tiny_run.result, stop
    run.close()
