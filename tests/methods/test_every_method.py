"""What every method of the registry holds, written once; tiny_runs.py has the least run of each."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import saved
import torch
from mutations import mutations
from tiny_runs import Builder, TinyRun, check_going_on, words_of

from nastk import registry
from nastk.config import search_class
from nastk.costs.allowance import Allowance
from nastk.costs.limits import Limits
from nastk.costs.prices import Prices
from nastk.engine import checkpoint
from nastk.engine.inputs import Inputs
from nastk.genotype import parse, to_json
from nastk.networks.blocks import NetworkSettings
from nastk.run import Run, RunError
from nastk.search_method import SearchContext
from nastk.spaces.mask import Mask
from nastk.workflows.latency import building_blocks

# Settings that a method refuses though each key for itself is allowed.
REFUSED = {
    "relativenas": ("search.population=3",),
    "random": ("search.table=a.npz",),
    "evolution": ("search.evaluations=2",),
    "darts": (),
    "snas": (),
    "pdarts": ("search.warmup_epochs=25", "search.add_cells=[1]", "search.num_operations=[3,4,5]"),
    "rsps": (),
    "fewshot": (
        *("search.groups=[9]", "search.choice_epochs=[3,2]", "search.base=evolution search.leaf_share=0.01"),
        *("search.base=relativenas search.population=3",),
    ),
}
WITH_NETWORKS = [name for name, entry in registry.SPACES.items() if entry.has_networks]


@pytest.fixture(scope="module", params=registry.METHODS)
def tiny_run(request, make_context):
    """The method's least run, whole: one for all that is asked of it."""
    return TinyRun.of(Builder.of(make_context, request.param))


@pytest.fixture
def run(tmp_path):
    run = Run.create(tmp_path / "run")
    run.write_text("config.yaml", "")
    yield run
    run.close()


def test_a_search_takes_as_many_steps_as_it_said_and_tells_what_json_can_hold(tiny_run):
    assert len(tiny_run.metrics) == tiny_run.build().num_steps > 1
    assert all(row["phase"] for row in tiny_run.metrics)
    json.dumps([tiny_run.metrics, tiny_run.result.details, tiny_run.result.remarks], allow_nan=False)
    result = tiny_run.result
    for genotype in [result.genotype, *result.others.values(), *(one for one, _ in result.ranking)]:
        assert parse(to_json(genotype))[0] == genotype
    assert result.genotype in [genotype for genotype, _ in result.ranking]
    assert len(result.ranked()) == len(result.ranking)


def test_going_on_from_any_step_gives_the_same_rest(tiny_run, tmp_path):
    """The whole of it from where a phase has just begun; the others' next step ends in a state gone on from, too."""
    every = range(len(tiny_run.metrics) + 1)
    check_going_on(tiny_run, tmp_path, steps=every, whole=[0, *tiny_run.first_of_phases()])


def test_a_run_depends_on_its_seed_and_on_no_other_chance(tiny_run, make_context):
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(1)
    again = TinyRun.of(tiny_run.build)
    assert again.metrics == tiny_run.metrics and again.result == tiny_run.result
    assert again.digests == tiny_run.digests
    other = TinyRun.of(Builder.of(make_context, tiny_run.build.method, seed=1))
    assert other.metrics != tiny_run.metrics and other.result != tiny_run.result


def test_a_checkpoint_that_is_not_whole_is_refused(tiny_run, run):
    """A part of it gone or another one, and as if another version of the method had saved it.

    (All mutations would take a minute a method; engine/test_checkpoint.py has more of them, of a job that has
    something of everything.)
    """
    engine, path = tiny_run.build().context.engine, run.path / checkpoint.NAME
    for step in tiny_run.first_of_phases():
        search, content = tiny_run.build(), tiny_run.state(step)
        for name in content["job"]:
            lacking = {key: part for key, part in content["job"].items() if key != name}
            with pytest.raises(RunError, match="the run cannot go on from it"):
                pytest.fail(f"{name}: {checkpoint.restore(content | {'job': lacking}, run, engine, search)}")
    checkpoint.save(run, engine, config="", inputs=Inputs(), step=step, wall_s=1.0, job=content["job"])
    found = list(mutations(checkpoint.load(run, engine, config="", inputs=Inputs())))
    for where, changed in found[:: max(1, len(found) // 4)]:
        saved.write(path, changed)
        with pytest.raises(RunError, match="the checkpoint is damaged"):
            pytest.fail(f"{where}: {checkpoint.load(run, engine, config='', inputs=Inputs())}")


def random_mask(space, seed):
    """A mask in which there are architectures, about a third of whose decisions have one option."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        rows = []
        for decision in space.decisions:
            num = len(decision.options)
            size = (
                1
                if torch.rand((), generator=generator) < 0.3
                else int(torch.randint(1, num + 1, (), generator=generator))
            )
            rows.append(tuple(sorted(torch.randperm(num, generator=generator)[:size].tolist())))
        mask = Mask(tuple(rows))
        try:
            space.codec(mask)
        except ValueError:
            continue
        return mask


@pytest.mark.parametrize("space", WITH_NETWORKS)
@pytest.mark.parametrize("method", registry.METHODS)
def test_every_method_obeys_any_mask(make_context, monkeypatch, method, space):
    """U11 and U12, the acceptance test of composability: in what it runs, and in all that it results in."""
    check_mask(make_context, monkeypatch, method, space, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 20))
@pytest.mark.parametrize("space", WITH_NETWORKS)
@pytest.mark.parametrize("method", registry.METHODS)
def test_every_method_obeys_twenty_masks(make_context, monkeypatch, method, space, seed):
    check_mask(make_context, monkeypatch, method, space, seed)


@pytest.mark.parametrize(
    ("method", "space"),
    [
        (method, space)
        if f"space.name={space}" in words_of(method)
        else pytest.param(method, space, marks=pytest.mark.slow)
        for method in registry.METHODS
        for space in WITH_NETWORKS
    ],
)
def test_every_method_s_result_is_within_limits(make_context, method, space):
    """As tight as a tenth of what there is between the smallest and the largest network, in two quantities."""
    build = Builder.of(make_context, method, space=space)
    if not build.search_class.takes(build.context.space):
        pytest.skip(f"{method} does not take {space}")
    found = build.context.space
    size = NetworkSettings(init_channels=8, num_cells=3, num_classes=2, channels_in=1, image_size=(8, 8))
    prices = Prices(found, building_blocks(found, size))
    wide = Allowance(found, build.context.mask, prices, Limits())
    span = [
        prices.fixed[k]
        + sum(
            0.9 * min(row[k] for row in group) + 0.1 * max(row[k] for row in group)
            for group in wide.part_prices
        )
        for k in range(2)
    ]
    limits = Limits(params=int(span[0]), macs=int(span[1]))
    search = build(limit=lambda _, mask: Allowance(found, mask, prices, limits))
    while not search.finished:
        search.step()
    result = search.result()
    assert limits.excess(prices.of(result.genotype)) == 0
    for genotype, score in result.ranking:
        assert score.excess == limits.excess(prices.of(genotype))
    excesses = [score.excess for _, score in result.ranking]
    assert excesses == sorted(excesses)

    nothing = Limits(params=1)
    with pytest.raises(ValueError, match=r"^limits\.params: the smallest network of the space has"):
        _ = build(limit=lambda _, mask: Allowance(found, mask, prices, nothing)).allowance


def check_mask(make_context, monkeypatch, method, space, seed):
    build = Builder.of(make_context, method, space=space)
    if not build.search_class.takes(build.context.space):
        pytest.skip(f"{method} does not take {space}")
    mask = random_mask(build.context.space, seed)
    every = {(decision, option) for decision, row in enumerate(mask.allowed) for option in row}
    ran, supernet = set(), registry.SPACES[space].load_supernet()
    forward = supernet.forward

    def watch(self, images, gates, *rest, **options):
        ran.update((decision, option) for decision, row in enumerate(gates.rows) for option, _ in row)
        return forward(self, images, gates, *rest, **options)

    monkeypatch.setattr(supernet, "forward", watch)
    search = build(mask=mask)
    while not search.finished:
        search.step()
    assert ran and ran <= every
    result = search.result()
    for genotype in [result.genotype, *result.others.values(), *(one for one, _ in result.ranking)]:
        assert set(search.context.space.path(genotype)) <= every, genotype


@pytest.mark.parametrize(
    ("method", "words"), [(method, words) for method, refused in REFUSED.items() for words in refused]
)
def test_settings_that_a_method_refuses_are_refused_before_images_are_read(make_context, method, words):
    assert REFUSED.keys() == registry.METHODS.keys()
    context = make_context(method, *words.split())

    def load_images():
        raise AssertionError("images were read")

    context = SearchContext(context.config, context.space, context.mask, context.engine, load_images)
    with pytest.raises(ValueError, match=r"^(?:search\.|every stage)"):
        search_class(method, context.config.settings())(context)
