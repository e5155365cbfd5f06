"""What every method's checkpoint must be: taken up exactly, and refused wherever it is not whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from mutations import mutations

from nastk import registry
from nastk.config import search_class
from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.digest import digest
from nastk.engine.inputs import Inputs
from nastk.run import Run, RunError

_FEW = ("space.operations=[none,max_pool_3x3,skip_connect]", "network.num_cells=1")
_PAIR = (*_FEW, "search.population=2", "search.generations=1", "space.name=darts")
# As little as there can be of every phase of a method: epochs, stages, splits, leaves, choices, selections.
CASES = {
    "relativenas": ("relativenas", _PAIR),
    "random": ("random", _PAIR),
    "evolution": (
        "evolution",
        (*_FEW, "space.name=darts", "search.population=2", "search.sample_size=2", "search.evaluations=3"),
    ),
    "darts": ("darts", (*_FEW, "train.epochs=1")),
    "snas": ("snas", (*_FEW, "train.epochs=1")),
    "rsps": ("rsps", (*_FEW, "train.epochs=1", "search.candidates=2")),
    "pdarts": (
        "pdarts",
        (
            *(*_FEW, "train.epochs=1", "search.warmup_epochs=0", "search.add_cells=[0,0]"),
            *("search.num_operations=[3,2]", "search.skip_dropout=[0.1,0.0]"),
        ),
    ),
    "fewshot": (
        "fewshot",
        (
            *("space.name=nasbench201", "space.operations=[none,avg_pool_3x3,skip_connect]"),
            *("train.epochs=1", "search.base=rsps", "search.candidates=1"),
            *("search.groups=[2]", "search.rounds=1", "search.probe_epochs=1", "search.leaf_share=1.0"),
            *("search.leaf_weights=inherit", "search.choice=standalone", "search.choice_epochs=[1]"),
        ),
    ),
}


@pytest.fixture(params=CASES)
def built(request: Any, make_context: Any) -> Any:
    """Builds one method's search, always the same."""
    method, words = CASES[request.param]
    context = make_context(method, *words)

    def build() -> Any:
        engine = Engine(context.config.engine, context.config.run.seed)
        return search_class(method, context.config.settings())(dataclasses.replace(context, engine=engine))

    return build


def test_all_methods_are_here():
    assert {method for method, _ in CASES.values()} == set(registry.METHODS)


def test_checkpoints(built: Any, tmp_path: Path) -> None:
    """Taken up after the first step of every phase by a search built anew, and the streams as well.

    Those of which a part is gone or another one are refused. (All mutations would take a minute a method;
    engine/test_checkpoint.py has more of them, of a job that has something of everything.)
    """
    run = Run.create(tmp_path / "run")
    run.write_text("config.yaml", "")
    search, step, phase, checked = built(), 0, "", None
    while True:
        if search.finished or phase != checked:
            checked, state = phase, search.state_dict()
            checkpoint.save(
                run, search.context.engine, config="", inputs=Inputs(), step=step, wall_s=1.0, job=state
            )
            again = built()
            content = checkpoint.load(run, again.context.engine, config="", inputs=Inputs())
            checkpoint.restore(content, run, again.context.engine, again)
            streams = [one.context.engine.streams.state_dict() for one in (search, again)]
            assert digest(again.state_dict()) == digest(state)
            assert digest(streams[0]) == digest(streams[1])
            assert again.finished == search.finished
        if search.finished:
            break
        phase = search.step()["phase"]
        step += 1

    found = list(mutations(content))
    for where, changed in found[:: max(1, len(found) // 8)]:
        torch.save(changed, run.path / checkpoint.NAME)
        with pytest.raises(RunError, match="the checkpoint is damaged"):
            pytest.fail(f"{where}: {checkpoint.load(run, search.context.engine, config='', inputs=Inputs())}")
    for name in state:  # as if another version of the method had saved it
        again = built()
        lacking = {key: part for key, part in state.items() if key != name}
        with pytest.raises(RunError, match="the run cannot go on from it"):
            checkpoint.restore(content | {"job": lacking}, run, again.context.engine, again)
    run.close()
