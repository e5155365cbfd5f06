"""The weight set: who owns which tensor after a pair was trained (RelativeNAS, acceptance A6 and A7)."""

from dataclasses import replace

import pytest
import torch

from nastk.engine import training
from nastk.weight_sharing.shared_weights import SharedWeights


@pytest.fixture
def make_weights(make_context):
    def make(*words, seed=0):
        context = make_context("relativenas", *words, seed=seed)
        config = context.config
        return context, SharedWeights(
            context.space,
            context.mask,
            context.images,
            context.engine,
            network=config.network,
            train=config.train,
        )

    return make


def genotypes(context, num):
    """Random genotypes that share the first node of both cells, so that some operations are on every path."""
    codec = context.space.codec(context.mask)
    generator = torch.Generator().manual_seed(5)
    vectors = torch.rand(num, 2, 16, generator=generator, dtype=torch.float64)
    vectors[:, :, :4] = vectors[:1, :, :4]
    return [codec.decode((vector.flatten() * torch.tensor(codec.upper)).tolist()) for vector in vectors]


def snapshot(weights):
    return {name: tensor.clone() for name, tensor in weights.state_dict().items()}


def used_names(weights, genotype):
    """State-dict names of the operations on the genotype's path, told from the layout by hand."""
    names = set()
    for position, place in enumerate(weights.supernet.places):
        for decision, operation in weights.space.path(genotype):
            cell_type, edge = divmod(decision, 14)
            if cell_type == place.cell_type:
                prefix = f"cells.{position}.operations.{edge}.{operation}."
                names |= {name for name in weights.state_dict() if name.startswith(prefix)}
    return names


def trained_alone(make_weights, genotype):
    """What one candidate's training gives, from the same start and the same draws as the first of a pair."""
    _, weights = make_weights()
    weights.train([genotype], lr=0.1, drop_path=0.2)
    return snapshot(weights)


@pytest.mark.parametrize("first_is_fast", [True, False])
def test_merge_by_ownership(make_weights, monkeypatch, first_is_fast):
    context, weights = make_weights()
    one, two = genotypes(context, 2)
    before = snapshot(weights)
    copies = []
    real = SharedWeights._train_path

    def scored(self, gates, path, lr, drop_path):
        score = real(self, gates, path, lr, drop_path)
        copies.append(snapshot(self))
        fast = (len(copies) == 1) == first_is_fast
        return replace(score, value=1.0 if fast else 2.0)

    monkeypatch.setattr(SharedWeights, "_train_path", scored)
    weights.train([one, two], lr=0.1, drop_path=0.2)
    after = snapshot(weights)
    fast, slow = (0, 1) if first_is_fast else (1, 0)
    used = [used_names(weights, one), used_names(weights, two)]
    counts = {"fast only": 0, "slow only": 0, "both": 0, "neither": 0, "outside operations": 0}
    for name, tensor in after.items():
        if ".operations." not in name:
            case, expected = "outside operations", copies[fast]
        elif name in used[fast]:
            case, expected = "both" if name in used[slow] else "fast only", copies[fast]
        elif name in used[slow]:
            case, expected = "slow only", copies[slow]
        else:
            case, expected = "neither", before
        counts[case] += 1
        assert torch.equal(tensor, expected[name]), (case, name)
    assert all(counts.values()), counts
    changed = [name for name in after if not torch.equal(after[name], before[name])]
    assert any("running_mean" in name for name in changed)  # statistics follow the same rule


def test_both_start_from_the_same_weights(make_weights):
    context, weights = make_weights()
    one, two = genotypes(context, 2)
    alone = trained_alone(make_weights, one)
    before = snapshot(weights)
    starts = []
    real = SharedWeights._train_path

    def recording(self, *arguments):
        starts.append(snapshot(self))
        return real(self, *arguments)

    SharedWeights._train_path, patched = recording, real
    try:
        weights.train([one, two], lr=0.1, drop_path=0.2)
    finally:
        SharedWeights._train_path = patched
    for start in starts:
        assert all(torch.equal(start[name], before[name]) for name in before)
    assert any(not torch.equal(alone[name], before[name]) for name in before)


def test_training_leaves_operations_outside_the_path_alone(make_weights):
    context, weights = make_weights("train.weight_decay=0.1")
    (genotype,) = genotypes(context, 1)
    before = snapshot(weights)
    weights.train([genotype], lr=0.1, drop_path=0.0)
    used = used_names(weights, genotype)
    for name, tensor in weights.state_dict().items():
        if ".operations." in name and name not in used:
            assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("diverging", [{0}, {1}, {0, 1}])
def test_what_diverges_is_never_merged(make_weights, monkeypatch, diverging):
    context, weights = make_weights()
    pair = genotypes(context, 2)
    before = snapshot(weights)
    calls = []
    real = training.train_epoch

    def poisoned(loss_of, optimizer, batches, engine, *, grad_clip):
        calls.append(None)
        if len(calls) - 1 in diverging:
            with torch.no_grad():
                for parameter in optimizer.parameters:
                    parameter.fill_(float("nan"))
            raise training.NonFiniteLoss(0, 0.1)
        return real(loss_of, optimizer, batches, engine, grad_clip=grad_clip)

    monkeypatch.setattr(training, "train_epoch", poisoned)
    scores = weights.train(pair, lr=0.1, drop_path=0.0)
    assert {position for position, score in enumerate(scores) if not score.finite} == diverging
    after = weights.state_dict()
    assert training.all_finite(after.values())
    if len(diverging) == 2:
        assert all(torch.equal(after[name], before[name]) for name in before)


def test_weights_that_are_not_finite_make_the_score_so(make_weights, monkeypatch):
    context, weights = make_weights()
    real = training.train_epoch

    def poisoned(loss_of, optimizer, batches, engine, *, grad_clip):
        found = real(loss_of, optimizer, batches, engine, grad_clip=grad_clip)
        with torch.no_grad():
            optimizer.parameters[0].view(-1)[0] = float("inf")
        return found

    monkeypatch.setattr(training, "train_epoch", poisoned)
    (score,) = weights.train(genotypes(context, 1), lr=0.1, drop_path=0.0)
    assert not score.finite
    assert training.all_finite(weights.state_dict().values())


def test_scoring_changes_nothing(make_weights):
    context, weights = make_weights()
    before = snapshot(weights)
    streams = {name: state.clone() for name, state in context.engine.streams.state_dict().items()}
    first, second = (weights.score(genotype) for genotype in genotypes(context, 2))
    assert first != second
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights.state_dict().items())
    after = context.engine.streams.state_dict()
    assert all(torch.equal(after[name], state) for name, state in streams.items())


def test_initial_weights_depend_on_the_seed_only(make_weights):
    one, again, other = (make_weights(seed=seed)[1].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["stem.conv.weight"], other["stem.conv.weight"])
