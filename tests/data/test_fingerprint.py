"""What is noticed of a data set that changed, and what is not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nastk.data.fingerprint import Fingerprint, differences
from nastk.data.search_images import load_search_images
from nastk.data.sources import load_images
from nastk.schema import DataConfig, SearchDataConfig


def load(place, **values) -> Fingerprint:
    return load_images(DataConfig(dataset=str(place), workers=0, **values), "train").fingerprint


def known(**changes) -> Fingerprint:
    whole = Fingerprint(
        num_images=1437, classes=("cat", "dog"), shape=(3, 32, 32), labels="1f", contents="2e"
    )
    return replace(whole, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"num_images": 1440, "labels": "3", "contents": "4"}, ["1,437 images then, 1,440 now"]),
        ({"classes": ("cat", "cow", "dog"), "labels": "3"}, ["class 'cow' is new"]),
        ({"classes": ("cow", "dog")}, ["class 'cow' is new", "class 'cat' is gone"]),
        ({"classes": ("cat", *"abcde", "dog")}, ["classes 'a', 'b', 'c' and 2 more are new"]),
        ({"classes": ("dog", "cat")}, ["the classes are in another order"]),
        ({"shape": (1, 32, 28)}, ["images of 32x32 pixels in colour then, of 32x28 pixels in grey now"]),
        ({"labels": "3"}, ["the labels differ"]),
        ({"labels": "3", "contents": "3"}, ["the labels differ", "the images differ, or their order"]),
    ],
)
def test_differences_in_the_users_words(changes, words):
    assert differences(known(), known(**changes)) == words


digests = st.text("0123456789abcdef", min_size=1, max_size=2)
fingerprints = st.builds(
    Fingerprint,
    num_images=st.integers(0, 3),
    classes=st.lists(st.sampled_from("abcde"), max_size=3, unique=True).map(tuple),
    shape=st.tuples(*[st.integers(1, 2)] * 3),
    labels=digests,
    contents=digests,
)


@given(then=fingerprints, now=fingerprints)
def test_nothing_that_differs_goes_unsaid(then, now):
    assert (differences(then, now) == []) == (then == now)


@given(fingerprint=fingerprints)
def test_a_checkpoint_holds_it(fingerprint):
    assert Fingerprint.from_dict(json.loads(json.dumps(fingerprint.to_dict()))) == fingerprint


@pytest.mark.parametrize(
    "values", [{}, {"shape": 3}, {"shape": [1, 2]}, known().to_dict() | {"num_images": "x"}]
)
def test_what_is_none(values):
    with pytest.raises(ValueError, match="not the fingerprint"):
        Fingerprint.from_dict(values)


@pytest.mark.parametrize("resident_mib", [0, 4096])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda place: (place / "a" / "1.png").unlink(), ["6 images then, 5 now"]),
        (lambda place: (place / "a").rename(place / "c"), ["class 'c' is new", "class 'a' is gone"]),
        (
            lambda place: (place / "a" / "0.png").rename(place / "a" / "9.png"),
            ["the images differ, or their order"],
        ),
        (
            lambda place: (place / "a" / "2.png").rename(place / "b" / "0a.png"),
            ["the labels differ", "the images differ, or their order"],
        ),
    ],
)
def test_files_that_go_or_move(write_folder, resident_mib, change, words):
    folder = write_folder()
    before = load(folder, resident_mib=resident_mib)
    change(folder / "train")
    assert differences(before, load(folder, resident_mib=resident_mib)) == words


def test_of_arrays(write_npz):
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    before = load(write_npz(x_train=images))
    assert (
        load(write_npz(x_train=np.asfortranarray(images), y_train=np.arange(8, dtype=np.uint8) % 2)) == before
    )
    assert differences(before, load(write_npz(x_train=images, y_train=np.arange(8) // 4))) == [
        "the labels differ"
    ]
    images[7, 7, 7, 2] ^= 1
    assert differences(before, load(write_npz(x_train=images))) == ["the images differ, or their order"]


def test_it_is_of_what_is_loaded_and_before_it_is_resized(write_npz):
    path = write_npz()
    assert load(path, max_train=4) != load(path, max_train=6)
    assert load(path, max_train=4).num_images == 4
    assert load(path, image_size=16).contents == load(path).contents


def test_the_digits_have_the_same_on_any_machine():
    found = load("digits")
    assert found.labels == "6a7523d748d8a0e45337480b12c7c53d"
    assert found.contents.endswith("57906aaab634")


def test_parts_and_devices_keep_it(write_npz):
    images = load_images(DataConfig(dataset=write_npz()), "train")
    assert images.subset(torch.arange(3)).to("meta").fingerprint == images.fingerprint


def test_a_search_has_that_of_both_halves_together():
    config = SearchDataConfig(max_train=100)
    images = load_search_images(config, 16, torch.device("cpu"), torch.Generator())
    assert images.fingerprint == load_images(config, "train").fingerprint
    assert images.fingerprint.num_images == 100
