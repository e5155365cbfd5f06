"""SNAS and RSPS: samples, temperature, candidates, and what scoring them leaves as it was."""

import torch

from nastk.data.batches import Batches
from nastk.data.search_images import SearchImages
from nastk.engine.training import evaluate
from nastk.methods.rsps import RSPS
from nastk.methods.snas import gumbel_softmax
from nastk.networks.gates import masked_softmax

# A quick supernet, a few candidates.
FEW = (
    *("space.operations=[none,max_pool_3x3,skip_connect,dil_conv_3x3]", "network.num_cells=2"),
    *("train.epochs=2", "search.candidates=4"),
)


def test_samples_obey_the_mask_and_become_one_hot():
    alphas, allowed = torch.randn(6, 4), torch.ones(6, 4, dtype=torch.bool)
    allowed[1, :3] = False
    generator = torch.Generator().manual_seed(0)
    sample = gumbel_softmax(alphas, allowed, 1.0, generator)
    assert torch.all(sample[~allowed] == 0) and sample[1, 3] == 1.0
    torch.testing.assert_close(sample.sum(-1), torch.ones(6))
    assert gumbel_softmax(alphas, allowed, 1e-4, generator).amax(-1).min() > 0.99


def test_the_sharpest_samples_are_as_frequent_as_the_softmax_says():
    alphas = torch.tensor([0.5, -0.5, 1.0]).expand(20_000, 3)
    allowed = torch.ones_like(alphas, dtype=torch.bool)
    sample = gumbel_softmax(alphas, allowed, 0.1, torch.Generator().manual_seed(0))
    counts = torch.bincount(sample.argmax(-1).flatten(), minlength=3) / 20_000
    torch.testing.assert_close(counts, masked_softmax(alphas, allowed)[0], atol=0.015, rtol=0)


def test_gradients_of_a_sample_reach_what_is_allowed_only():
    alphas = torch.zeros(2, 3, requires_grad=True)
    allowed = torch.tensor([[True, True, True], [True, False, True]])
    sample = gumbel_softmax(alphas, allowed, 0.5, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(sample[..., 0].sum(), alphas)
    assert torch.isfinite(gradient).all()
    assert gradient[1, 1] == 0 and gradient[0].abs().min() > 0


def test_candidates_differ_and_are_those_a_mask_holds(make_context):
    search = RSPS(make_context("rsps", *FEW, "space.operations=[skip_connect]", "search.candidates=50"))
    assert len(set(search.candidates)) == len(search.candidates) == 50
    assert {op for g in search.candidates for op, _ in g.body.normal} == {"skip_connect"}
    assert search.candidates == search._draw_candidates(50)


def test_images_in_order_of_their_classes_are_scored_in_mixed_batches(
    make_context, random_images, monkeypatch
):
    """Batch statistics of one class would make any ranking noise."""
    images = random_images(64, num_classes=2)
    by_class = images.subset(images.labels.argsort(stable=True))
    halves = SearchImages(
        Batches(images, 8, shuffle=True), Batches(by_class, 8), images.classes, images.shape, ()
    )
    search = RSPS(make_context("rsps", *FEW, images=halves))
    seen = []

    def noting(logits_of, batches, engine):
        seen.append(list(batches))
        return evaluate(logits_of, seen[-1], engine)

    monkeypatch.setattr("nastk.engine.training.evaluate", noting)
    for candidate in search.candidates[:2]:
        search.one_shot.score(candidate)
    assert all(len(labels.unique()) == 2 for _, labels in seen[0])
    assert all(
        torch.equal(a, b) for one, two in zip(*seen, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_scoring_moves_nothing(make_context):
    search = RSPS(make_context("rsps", *FEW))
    search.step()
    before = {name: value.clone() for name, value in search.supernet.state_dict().items()}
    one, two = (search.one_shot.score(search.candidates[0]) for _ in range(2))
    assert one == two
    assert all(torch.equal(before[name], value) for name, value in search.supernet.state_dict().items())
