"""The two halves of a search's images."""

import torch

from nastk.config import resolve
from nastk.data.search_images import load_search_images


def load(*words, device="cpu", seed=0):
    config = resolve("search", "relativenas", "quick", ["data.max_train=100", *words])
    generator = torch.Generator().manual_seed(seed)
    return load_search_images(config.data, 16, torch.device(device), generator)


def test_both_halves_are_on_the_device():
    images = load(device="meta")
    assert {half.images.device.type for half in (images.train, images.validation)} == {"meta"}


def test_halves_are_balanced_disjoint_and_depend_on_the_seed_only():
    one, again, other = load(), load(), load(seed=1)
    for half in (one.train, one.validation):
        assert half.num_images == 50
        assert half.images.labels.bincount().tolist() == [5] * 10
    pixels = [half.images.tensor.flatten(1) for half in (one.train, one.validation)]
    assert not (pixels[0][:, None] == pixels[1][None]).all(-1).any()
    assert torch.equal(one.train.images.tensor, again.train.images.tensor)
    assert not torch.equal(one.train.images.tensor, other.train.images.tensor)


def test_only_training_batches_are_augmented_unless_asked_for():
    assert load().train.augmentation is not None and load().validation.augmentation is None
    assert load("data.augment_validation=true").validation.augmentation is not None
