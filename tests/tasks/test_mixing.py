"""Mixed batches are torchvision's, drawn from a generator of the run."""

from __future__ import annotations

import torch
from torchvision.transforms import v2

from nastk.tasks.mixing import Mixing

IMAGES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 2])


def test_as_torchvision_with_its_global_generator():
    for mixing, transform in (
        (Mixing(0.4, 0.0, 3), v2.MixUp(alpha=0.4, num_classes=3)),
        (Mixing(0.0, 1.0, 3), v2.CutMix(alpha=1.0, num_classes=3)),
    ):
        before = torch.random.get_rng_state()
        images, shares = mixing(IMAGES, LABELS, torch.Generator().manual_seed(5))
        assert torch.equal(before, torch.random.get_rng_state())
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(5)
            torch.randint(1, ())
            expected = transform(IMAGES, LABELS)
        assert torch.equal(images, expected[0]) and torch.equal(shares, expected[1])
        assert not torch.equal(images, IMAGES)
        assert torch.allclose(shares.sum(dim=1), torch.ones(4))


def test_one_of_both():
    """CutMix keeps every pixel's value, mixup none."""
    mixing, generator = Mixing(1.0, 1.0, 3), torch.Generator().manual_seed(0)
    kept = {bool(torch.isin(mixing(IMAGES, LABELS, generator)[0], IMAGES).all()) for _ in range(20)}
    assert kept == {True, False}


def test_a_single_image_stays():
    images, shares = Mixing(0.0, 1.0, 3)(IMAGES[:1], LABELS[:1], torch.Generator().manual_seed(0))
    assert torch.equal(images, IMAGES[:1]) and shares.tolist() == [[1.0, 0.0, 0.0]]
