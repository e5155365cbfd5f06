"""Few-shot splitting over any method: the tree, its cost, exact resume of deep ones, masks in leaves."""

import dataclasses
import re

import pytest
import torch
from tiny_runs import RUNS, Builder, TinyRun, check_going_on

from nastk import registry
from nastk.config import search_class
from nastk.genotype import Genotype
from nastk.networks.gates import Gates
from nastk.spaces.mask import Mask
from nastk.splitting.plan import SplitPlan
from nastk.splitting.splitter import Splitter

SEVEN = "[max_pool_3x3,avg_pool_3x3,skip_connect,sep_conv_3x3,sep_conv_5x5,dil_conv_3x3,dil_conv_5x5]"
# Six decisions with three options each, none of which can leave a sub-space without a connected cell.
TINY = (
    *("space.name=nasbench201", "space.operations=[skip_connect,nor_conv_1x1,avg_pool_3x3]"),
    *("search.rounds=1", "search.probe_epochs=1", "search.leaf_share=1.0", "train.epochs=1"),
)
# Fourteen in the normal cell, as many in the reduction cell.
CELLS = ("space.name=darts", "space.operations=[max_pool_3x3,skip_connect,dil_conv_3x3]")
# The least run of each base, but for its epochs.
LEAST = {
    name: [word for word in words if not word.startswith("train.")]
    for name, words in RUNS.items()
    if name != "fewshot"
}


def few_shot(make_context, *words, base="darts", allowed=None):
    """allowed: the mask, if it is not of the whole space."""
    return builder(make_context, *words, base=base, allowed=allowed)()


def builder(make_context, *words, base, allowed=None):
    context = make_context("fewshot", f"search.base={base}", *TINY, *words)
    mask = Mask(allowed) if allowed else context.mask
    return Builder("fewshot", dataclasses.replace(context, mask=mask))


def run(search, num=None):
    metrics = []
    while not search.finished and (num is None or len(metrics) < num):
        metrics.append(search.step())
    return metrics


def after_splits(make_context, *words, base="darts"):
    """A search with all its splits made, before the first leaf."""
    search = few_shot(make_context, *words, base=base)
    while not search.splitter.finished:
        search.step()
    return search


def obeys(genotype: Genotype, mask: Mask) -> bool:
    space = registry.load_space(genotype.space)
    return all(operation in mask.allowed[decision] for decision, operation in space.path(genotype))


@pytest.mark.parametrize("base", LEAST)
def test_every_base_searches_every_leaf(make_context, base):
    words = LEAST[base]
    if base == "pdarts":  # takes cells only
        words = [*words, *CELLS, "network.num_cells=1", "search.cell_types=normal", "train.epochs=2"]
    search = few_shot(make_context, "search.groups=[2]", *words, base=base)
    metrics = run(search)
    assert len(metrics) == search.num_steps
    result = search.result()
    leaves = search.leaves
    assert len(leaves) == 2
    assert ("leaf_1_stage_1" in result.others) == (base == "pdarts")
    for leaf in leaves:
        assert obeys(result.others[f"leaf_{leaf.number}"], leaf.mask)
    assert result.genotype in result.others.values()
    values = [row["score"]["value"] for row in result.details["leaves"]]
    assert result.score.value == min(values)


def test_the_leaves_split_two_edges_into_groups(make_context):
    search = after_splits(make_context)
    tree = search.splitter.tree
    root = tree.nodes[0]
    assert [node.depth for node in tree.nodes] == [0, 1, 1, 2, 2, 2, 2]
    for node in tree.nodes[:3]:
        split = node.split
        assert sorted(op for group in split.groups for op in group) == list(split.options)
        for child, group in zip(node.children, split.groups, strict=True):
            expected = node.mask.restrict(split.decision, group)
            assert tree.nodes[child].mask == expected
    for child in root.children:
        assert tree.nodes[child].split.decision != root.split.decision
    assert search.splitter.num_gradients == search.splitter.plan.gradients == (6 + 2 * 5) * 3


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("rsps", ("search.leaf_weights=inherit",)),
        ("rsps", ("search.split=random",)),
        ("rsps", ("search.split=random", "search.choice=standalone", "search.choice_epochs=[1,2]")),
        ("rsps", ("search.split=exhaustive", "search.groups=[2]")),
        ("evolution", ("search.split=none",)),
    ],
    ids=["gm, inherit", "random", "random, standalone", "exhaustive", "none, shared weights"],
)
def test_resumes_exactly_from_every_phase(make_context, tmp_path, base, words):
    """What test_every_method.py has of one split in two and one choice: of trees of two levels, of other choices."""
    allowed = ((1, 2, 4),) * 3 + ((1,),) * 3
    run = TinyRun.of(builder(make_context, *LEAST[base], *words, base=base, allowed=allowed))
    check_going_on(run, tmp_path, steps=run.first_of_phases())


@pytest.mark.parametrize(
    ("space", "words", "passes"),
    [
        ("darts", ("space.operations=" + SEVEN, "search.groups=[2,2,2]", "search.cell_types=normal"), 61_600),
        ("nasbench201", ("search.groups=[2,2]",), 8_000),
    ],
)
def test_the_published_numbers_of_scoring_passes(make_context, space, words, passes):
    """U10, of 100 rounds."""
    context = make_context(
        "fewshot", f"space.name={space}", *words, "search.rounds=100", "search.probe_epochs=0"
    )
    mask = context.space.mask_of(context.config.space.operations)
    plan = SplitPlan.of(context.config.search, mask, context.space.decisions, keep_weights=False)
    assert plan.gradients == passes


def test_all_scored_edges_are_in_the_tree(make_context):
    search = after_splits(make_context)
    root, child, *_ = search.splitter.tree.to_json(search.context.space.decisions)
    assert [split["decision"] for split in root["scored"]] == list(range(6))
    assert root["split"] in root["scored"] and child["split"] in child["scored"]
    assert root["split"]["value"] == max(split["value"] for split in root["scored"])
    assert root["split"]["decision"] not in [split["decision"] for split in child["scored"]]
    assert all(len(split["distances"]) == 3 and split["where"] for split in root["scored"])


def test_splits_as_planned(make_context):
    exhaustive = few_shot(make_context, "search.split=exhaustive", "search.groups=[2]")
    assert len(run(exhaustive)) == exhaustive.num_steps
    assert [leaf.mask.allowed[0] for leaf in exhaustive.leaves] == [(1,), (2,), (4,)]
    none = few_shot(make_context, "search.split=none")
    assert len(run(none)) == none.num_steps == 1
    assert [leaf.mask for leaf in none.leaves] == [none.context.mask]
    searches = [after_splits(make_context, "search.split=random", f"run.seed={seed}") for seed in range(4)]
    assert len({str(search.splitter.tree.to_json()) for search in searches}) > 1


def test_scoring_leaves_the_probe_as_it_was(make_context):
    search = few_shot(make_context, "search.rounds=2")
    search.step()  # an epoch of the probe
    splitter, streams = search.splitter, search.context.engine.streams
    net = splitter.probe.supernet
    before = {name: value.clone() for name, value in net.state_dict().items()}
    random_before = streams.state_dict(), torch.get_rng_state()
    net.eval()
    gradients = [parameter.grad for parameter in net.parameters()]
    search.step()  # scores an edge
    assert not net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(a is b for a, b in zip(gradients, (p.grad for p in net.parameters()), strict=True))
    assert streams.state_dict().keys() == random_before[0].keys()
    assert all(torch.equal(random_before[0][name], value) for name, value in streams.state_dict().items())
    assert torch.equal(random_before[1], torch.get_rng_state())


def test_all_weights_but_the_scored_edges_are_compared(make_context, monkeypatch):
    seen = []

    def keep(loss_of, rounds, options, parameters):
        seen.append((set(map(id, parameters)), [id(images) for images, _, _ in rounds]))
        return [[1.0] * len(options) for _ in options]

    monkeypatch.setattr("nastk.splitting.splitter.mean_distances", keep)
    search = few_shot(make_context, *CELLS, "search.probe_epochs=0")
    search.step(), search.step()
    net = search.splitter.probe.supernet
    own = [set(map(id, net.decision_parameters(decision))) for decision in range(28)]
    everything = set().union(*own)
    assert seen[0][0] == everything - own[0]
    assert seen[1][0] == everything - own[1]
    assert seen[0][1] == seen[1][1]  # the edges share their batches
    assert not everything & set(map(id, net.stem.parameters()))


@pytest.mark.parametrize("probe", ["path", "mixture"])
def test_distances_do_not_see_the_scored_edge(make_context, probe):
    """U8: whatever is added to the gradients of its weights; on another edge it changes them."""
    tables = []
    for disturbed in (None, 0, 1):
        search = few_shot(make_context, "search.probe_epochs=0", "search.rounds=6", f"search.probe={probe}")
        net = search.splitter.probe.supernet
        for parameter in [] if disturbed is None else net.decision_parameters(disturbed):
            parameter.register_hook(lambda gradient: gradient + 100 * torch.arange(float(len(gradient))).view(
                -1, *[1] * (gradient.dim() - 1)))  # fmt: skip
        search.step()
        (split,) = search.splitter.scored
        assert split.decision == 0
        tables.append(split.distances)
    assert tables[0] == tables[1] != tables[2]


def test_no_masked_operation_ever_runs(make_context):
    search = few_shot(make_context)
    net = search.splitter.probe.supernet
    drawn = []
    forward = net.forward

    def watch(images, gates: Gates, *rest, **options):
        drawn.append((search.splitter.pending[-1], gates))
        return forward(images, gates, *rest, **options)

    net.forward = watch
    while not search.splitter.finished:
        search.step()
    assert {number for number, _ in drawn} == {0, 1, 2}
    for number, gates in drawn:
        allowed = search.splitter.tree.nodes[number].mask.allowed
        for row, options in zip(gates.rows, allowed, strict=True):
            assert {operation for operation, _ in row} <= set(options)


@pytest.mark.parametrize("base", ["darts", "relativenas"])
def test_leaves_run_what_their_mask_allows(make_context, base):
    """U12, in the leaves: what the gates do not list is not computed."""
    search = after_splits(make_context, "search.split=random", *LEAST[base], base=base)
    for leaf in search.leaves:
        inner = search._begin(leaf)
        ran = watch_gates(inner.supernet)
        run(inner)
        assert ran and all(operation in leaf.mask.allowed[decision] for decision, operation in ran)


def watch_gates(net):
    """A set that grows by the (decision, operation) of all that the supernet runs from now on."""
    ran, forward = set(), net.forward

    def watch(images, gates, *rest, **options):
        ran.update((decision, op) for decision, row in enumerate(gates.rows) for op, _ in row)
        return forward(images, gates, *rest, **options)

    net.forward = watch
    return ran


def test_leaves_inherit_their_parents_weights(make_context):
    search = after_splits(make_context, "search.split=random", "search.leaf_weights=inherit")
    leaf = search.leaves[0]
    inner = search._begin(leaf)
    parent = search.splitter.weights[str(leaf.parent)]["supernet"]
    own = inner.supernet.state_dict()
    assert all(torch.equal(value, parent[name]) for name, value in own.items()) and len(own) < len(parent)
    fresh = search._search_in(leaf.mask, search.context.engine.apart(), 1.0).supernet.state_dict()
    assert not torch.equal(fresh["stem.0.weight"], parent["stem.0.weight"])


def test_all_leaves_together_cost_what_the_base_does(make_context):
    words = ("train.epochs=100", "search.probe=path")
    search = few_shot(make_context, *words, "search.leaf_share=null")
    splits = search._cost_of_splits()
    assert splits == 3 + (6 + 2 * 5) * 3 / 3  # epochs of three probes, and gradients at 3 batches an epoch
    whole = 100 * 3 * 2  # epochs of a mixture of three operations, in weight and architecture steps
    assert search.share == pytest.approx((whole - 19) / whole / 4)
    assert search.steps_in_leaf == 24
    with pytest.raises(ValueError, match="the splits cost 19 epochs of a path, the whole budget is 18"):
        few_shot(make_context, *words, "search.leaf_share=null", "train.epochs=3")


def test_choice_by_training_alone_keeps_the_better_half(make_context):
    search = few_shot(
        make_context, "search.choice=standalone", "search.choice_epochs=[1,2]", "search.split=random"
    )
    metrics = [m for m in run(search) if m["phase"] == "choose"]
    assert [m["leaf"] for m in metrics[:4]] == [3, 4, 5, 6] and len(metrics) == 6
    first = sorted(metrics[:4], key=lambda m: m["loss"])
    assert {m["leaf"] for m in metrics[4:]} == {m["leaf"] for m in first[:2]}
    last = min(metrics[4:], key=lambda m: m["loss"])
    result = search.result()
    assert result.score.value == last["loss"] and result.score.source == "training alone"
    assert result.remarks[0] == f"leaf {last['leaf']} (chosen): cross_entropy {last['loss']:.4f}"
    assert sorted(remark[:6] for remark in result.remarks) == [f"leaf {number}" for number in (3, 4, 5, 6)]


def test_the_plan_is_told_before_the_start(make_context):
    notes = few_shot(make_context).notes()
    assert notes[0] == "plan: splits 2 x 2 (gm), 4 leaves; 3 probe epochs, 48 scoring passes of a batch"
    assert notes[1] == "plan: darts in every leaf, 1 of its own budget: 1 step"
    assert re.fullmatch(
        r"plan: leaves and splits cost about 43 epochs of a single path, splits \d+ of them",
        notes[2],
    )
    words = ("search.choice=standalone", "search.choice_epochs=[1,3]", "search.split=random")
    assert few_shot(make_context, *words).notes()[2] == (
        "plan: 8 epochs of training leaves' cells alone, to choose among them"
    )


def test_planning_changes_nothing(make_context):
    first, second = few_shot(make_context), few_shot(make_context)
    first.notes()
    assert run(first, 6) == run(second, 6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("search.base=fewshot",), "fewshot cannot be its own base"),
        (("search.base=dart",), "did you mean 'darts'"),
        (("search.choice_epochs=[4,2]",), "ascending"),
    ],
)
def test_what_is_refused(make_context, words, message):
    with pytest.raises(ValueError, match=message):
        few_shot(make_context, *words)


def test_where_no_edge_can_be_split_that_is_said(make_context):
    with pytest.raises(
        ValueError, match=r"no decision has the 4 options that 2 groups of search\.min_group=2"
    ):
        few_shot(make_context, "search.min_group=2")
    # A sub-space without any connected cell is none: the splits end where only such would be left.
    words = ("space.operations=null", "search.split=random", "search.groups=[2,2,2]", *LEAST["rsps"])
    allowed = ((0, 1), (0,), (0,), (0, 1), (0, 1), (0,))  # on 0 -> 1 -> 3 and 0 -> 3
    search = few_shot(make_context, *words, base="rsps", allowed=allowed)
    run(search)
    assert 2 <= len(search.leaves) < 8
    remarks = search.result().remarks
    assert remarks[-1] == f"{len(search.leaves)} leaves, not 8: no more decisions could be split"
    assert len(remarks) == len(search.leaves) + 1
    for leaf in search.leaves:
        search.context.space.check_mask(leaf.mask)


def test_siblings_start_from_the_same_weights_and_momentum(make_context):
    """The first child's training must not touch what is kept for the second."""
    search = few_shot(make_context, "search.groups=[2,2,2]")
    started = {}
    train = search.splitter.probe.train_epoch

    def watch(draw, **options):
        node = search.splitter.tree.nodes[search.splitter.pending[-1]]
        state = search.splitter.probe.state_dict()
        started.setdefault(node.parent, []).append(
            [value.clone() for value in state["supernet"].values()]
            + [entry["momentum"].clone() for entry in state["optimizer"]["memory"] if entry]
        )
        return train(draw, **options)

    search.splitter.probe.train_epoch = watch
    while not search.splitter.finished:
        search.step()
    assert {parent: len(states) for parent, states in started.items()} == {None: 1, 0: 2, 1: 2, 2: 2}
    for one, other in (started[parent] for parent in (0, 1, 2)):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_cell_that_diverges_alone_is_left_out(make_context):
    words = ("search.choice=standalone", "search.choice_epochs=[1,2]", "search.split=random")
    search = few_shot(make_context, *words)
    while search.halving is None:
        search.step()
    with torch.no_grad():
        next(search.halving.trainings[1].network.parameters()).fill_(float("nan"))
    rest = run(search)
    assert {m["leaf"] for m in rest} == {3, 4, 5, 6} and 4 not in {m["leaf"] for m in rest[4:]}
    result = search.result()
    assert result.details["leaves"][1]["score"] is None and result.details["chosen"] != 4
    assert result.remarks[-1] == "leaf 4: diverged"


def test_a_share_scales_all_budget_keys_alike(make_context):
    words = (*CELLS, "train.epochs=10", "search.warmup_epochs=8", "search.leaf_share=0.25")
    search = few_shot(make_context, *words, base="pdarts")
    inner = search._begin(search.leaves[0])
    assert (inner.context.config.train.epochs, inner.context.config.search.warmup_epochs) == (2, 1)
    assert search.context.config.train.epochs == 10


def test_what_needs_images_asks_for_them_at_once(make_context):
    """Not after all leaves are done."""
    words = ("search.base=random", "search.split=random", "search.choice=standalone")
    context = make_context("fewshot", *TINY, *words)

    def no_images():
        raise ValueError("there are no images")

    context = dataclasses.replace(context, load_images=no_images)
    with pytest.raises(ValueError, match="there are no images"):
        search_class("fewshot", context.config.settings())(context)


def test_a_splitter_needs_no_images_where_it_does_not_score(make_context):
    context = make_context("fewshot", *TINY, "search.split=random")

    def no_images():
        raise AssertionError("images were asked for")

    splitter = Splitter(dataclasses.replace(context, load_images=no_images), keep_weights=False)
    while not splitter.finished:
        splitter.step()
    assert len(splitter.tree.leaves()) == 4


@pytest.mark.parametrize(("base", "both"), [("random", True), ("rsps", False)])
def test_what_is_told_of_all_that_the_leaves_ranked(make_context, base, both):
    """Both scores, if the base has two."""
    search = few_shot(make_context, "search.split=random", "search.groups=[2]", *LEAST[base], base=base)
    run(search)
    ranked = search.result().ranked()
    assert len(ranked) == 2 * 2
    for _, score, more in ranked:
        assert list(more) == (["trained_score", "final_score"] if both else [])
        assert not both or more["trained_score"] == score.to_json()
