"""The one line on what was loaded."""

import pytest
import torch

from nastk.data.description import describe, how_many, unequal_classes
from nastk.data.images import ResidentImages
from nastk.schema import DataConfig


def images(num: int, *classes: str, channels: int = 3, found: int | None = None) -> ResidentImages:
    pixels = torch.zeros(num, 8, 12, channels, dtype=torch.uint8)
    labels = torch.arange(num) % len(classes)
    return ResidentImages(tensor=pixels, labels=labels, classes=classes, num_found=found)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("ab", "2 classes (a, b)"),
        ("abcd", "4 classes (a, b, c, d)"),
        ("abcde", "5 classes (a, b, ... e)"),
        (("a\n", "b" * 40), f"2 classes (a\\n, {'b' * 21}...)"),
    ],
)
def test_classes_are_named_shortly(classes, words):
    assert describe(images(8, *classes), DataConfig()) == f"data: 8 images of {words}, 8x12 colour"


def test_the_other_parts_follow():
    line = describe(images(2000, "a", "b", channels=1), DataConfig(), "test: 500")
    assert line == "data: 2,000 images of 2 classes (a, b), 8x12 grey; test: 500"


@pytest.mark.parametrize(
    ("found", "most", "words"),
    [
        (None, None, "8"),
        (8, 8, "8"),
        (1000, 8, "8 of 1,000 (data.max_test)"),
        (10, 10, "8 of 10"),  # two of them could not be read
        (10, None, "8 of 10"),
    ],
)
def test_how_many_of_how_many(found, most, words):
    assert how_many(images(8, "a", "b", found=found), most, "data.max_test") == words


def test_unequal_classes():
    """Told from twice as many on; a class may have no image."""
    for labels, words in (
        ([0, 0, 0, 1, 1], None),
        ([0, 1, 1], "2 training images of b, 1 of a"),
        ([0] * 1000, "1,000 training images of a, 0 of b"),
    ):
        pixels = torch.zeros(len(labels), 8, 8, 1, dtype=torch.uint8)
        found = unequal_classes(
            ResidentImages(tensor=pixels, labels=torch.tensor(labels), classes=("a", "b"))
        )
        assert (found is None) == (words is None)
        assert words is None or f"classes are unequal: {words};" in str(found)
