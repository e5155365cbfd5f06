"""The images of a search: two halves, or a validation part of the set's own."""

import shutil

import pytest
import torch
from pictures import put_classes

from nastk.config import resolve
from nastk.data.search_images import load_search_images
from nastk.data.sources import load_images
from nastk.schema import DataConfig


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


class TestOwnValidationPart:
    @pytest.fixture
    def place(self, tmp_path):
        for number, part in enumerate(("train", "val", "test")):
            put_classes(tmp_path / part, 8 - 2 * number)
        return tmp_path

    def load(self, place, *words):
        return load("data.max_train=null", f"data.dataset={place}", *words)

    def test_all_training_images_train_and_it_chooses(self, place):
        images = self.load(place)
        counts = [half.images.labels.bincount().tolist() for half in (images.train, images.validation)]
        assert counts == [[8, 8], [6, 6]]
        assert images.fingerprint.num_images == 16 and images.validation_fingerprint.num_images == 12
        assert images.notes == (
            "data: 16 images of 2 classes (bee, cow), 8x8 colour; all for weights; to choose by, the set's own "
            "validation images: 12 (see data.validation)",
        )

    def test_halves_if_asked_for(self, place):
        images = self.load(place, "data.validation=half")
        assert [half.num_images for half in (images.train, images.validation)] == [8, 8]
        assert images.validation_fingerprint is None
        assert images.notes[0].endswith("; 8 for weights, 8 to choose by")

    def test_it_is_cut_as_the_training_images_are(self, place):
        images = self.load(place, "data.max_train=4")
        assert [half.num_images for half in (images.train, images.validation)] == [4, 4]
        assert images.notes[0].endswith("4 of 12 (data.max_train) (see data.validation)")

    def test_a_class_that_it_lacks(self, place):
        shutil.rmtree(place / "val" / "cow")
        images = self.load(place)
        assert images.validation.images.labels.tolist() == [0] * 6
        assert images.notes[1] == f"{place}/val has no image of class 'cow'"

    def test_without_test_images_it_tests(self, place):
        shutil.rmtree(place / "test")
        images = self.load(place)
        assert [half.num_images for half in (images.train, images.validation)] == [8, 8]


def test_a_search_never_sees_the_part_held_out(tmp_path):
    put_classes(tmp_path, 10)
    images = load("data.max_train=null", f"data.dataset={tmp_path}")
    test = load_images(DataConfig(dataset=str(tmp_path)), "test").tensor.flatten(1)
    for half in (images.train, images.validation):
        assert half.num_images == 8
        assert not (half.images.tensor.flatten(1)[:, None] == test[None]).all(-1).any()
    assert "held out" in images.notes[1]
