"""Class weights, by hand."""

import pytest
import torch

from nastk.tasks.class_weights import balanced_weights


def test_by_hand():
    """Three images and one: 4 / (2 x 3) and 4 / (2 x 1), so that each class weighs 2 in all."""
    assert balanced_weights(torch.tensor([0, 0, 1, 0]), 2).tolist() == pytest.approx([2 / 3, 2.0])


def test_equal_classes_weigh_one():
    assert balanced_weights(torch.arange(6) % 3, 3).tolist() == [1.0, 1.0, 1.0]


def test_a_class_without_images():
    assert balanced_weights(torch.tensor([0, 2]), 3).tolist() == [1.0, 0.0, 1.0]
