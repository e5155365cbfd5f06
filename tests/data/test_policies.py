"""Policies are torchvision's, each image's from its own seed, and no global generator is touched."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from nastk.data.augmentation import Augmentation
from nastk.data.policies import augmented

SEEDS = torch.arange(100, 140)


def _pixels(channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (len(SEEDS), 8, 12, channels), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("policy", "transform"), [("trivial", v2.TrivialAugmentWide()), ("rand", v2.RandAugment())]
)
def test_as_torchvision_with_its_global_generator(policy, transform, channels):
    pixels, before = _pixels(channels), torch.random.get_rng_state()
    found = augmented(policy, pixels, SEEDS)
    assert torch.equal(before, torch.random.get_rng_state())
    assert (found.shape, found.dtype) == (pixels.shape, torch.uint8)
    with torch.random.fork_rng(devices=()):
        for image, changed, seed in zip(pixels, found, SEEDS.tolist(), strict=True):
            torch.manual_seed(seed)
            assert torch.equal(changed, transform(image.permute(2, 0, 1)).permute(1, 2, 0))


def test_an_image_does_not_depend_on_its_batch():
    pixels = _pixels(3)
    assert torch.equal(
        augmented("trivial", pixels, SEEDS)[7:9], augmented("trivial", pixels[7:9], SEEDS[7:9])
    )


def test_between_flip_and_cutout():
    """All else as without a policy: the same draws, and the square is 0 after it."""
    pixels, channels = _pixels(3), (0.5, 0.5, 0.5)
    plain, policy = (Augmentation(pad=2, flip=True, cutout=4, policy=name) for name in ("basic", "trivial"))
    one, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    draws, more = plain.draw(len(pixels), 8, 12, one), policy.draw(len(pixels), 8, 12, other)
    assert draws.seeds is None and len(set(more.seeds.tolist())) == len(pixels)
    assert torch.equal(draws.dy, more.dy) and torch.equal(draws.cx, more.cx)
    cropped = Augmentation(pad=2, flip=True, cutout=0)
    uint8 = (cropped.apply(pixels, draws, (0.0,) * 3, (1.0,) * 3) * 255).round().byte().permute(0, 2, 3, 1)
    expected = Augmentation(pad=0, flip=False, cutout=4).apply(
        augmented("trivial", uint8, more.seeds), draws, channels, channels
    )
    assert torch.equal(policy.apply(pixels, more, channels, channels), expected)
    part = policy.apply(pixels[4:6], more[4:6], channels, channels)
    assert torch.equal(part, expected[4:6])
