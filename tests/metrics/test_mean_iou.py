"""mIoU from counted pixels: by hand, and whatever the batches and the order of the pixels."""

import math

import numpy as np
import pytest
import torch

from nastk.metrics.classes import mean_over_classes
from nastk.metrics.mean_iou import PixelCounts, iou_of_classes, segmentation_figures

CPU = torch.device("cpu")


def confusion(predicted, truth, num_classes):
    counts = PixelCounts(num_classes, CPU)
    counts.add(torch.tensor(predicted), torch.tensor(truth))
    return counts.confusion()


def test_by_hand():
    """Of 7 pixels that count 5 are right. Class 0: 1 right, 1 missed, 1 too many; 1: 3, 0, 1; 2: 1, 1, 0; 3: none.

    IoU 1/3, 3/4, 1/2, nothing: the mean is 19/36, over three.
    """
    truth = [[[0, 0, 1, 1], [2, 2, 255, 1]]]
    predicted = [[[0, 1, 1, 1], [2, 0, 0, 1]]]
    counted = confusion(predicted, truth, num_classes=4)
    assert counted.tolist() == [[1, 1, 0, 0], [0, 3, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(iou_of_classes(counted), [1 / 3, 3 / 4, 1 / 2, math.nan])
    assert segmentation_figures(counted) == {
        "mean_iou": pytest.approx(19 / 36, abs=1e-15),
        "classes_counted": 3,
        "pixel_accuracy": pytest.approx(5 / 7, abs=1e-15),
    }


def test_a_class_that_is_only_predicted_counts_with_0():
    assert segmentation_figures(confusion([[[0, 2]]], [[[0, 0]]], num_classes=3)) == {
        "mean_iou": 0.25,  # 1/2 and 0; class 1 is nowhere
        "classes_counted": 2,
        "pixel_accuracy": 0.5,
    }


@pytest.mark.parametrize("left_out", [-1, 2, 11, 255])
def test_what_is_no_class_is_left_out(left_out):
    counted = confusion([[[0, 1, 1, 0]]], [[[0, 1, left_out, left_out]]], num_classes=2)
    assert counted.tolist() == [[1, 0], [0, 1]]


def test_where_nothing_counts():
    figures = segmentation_figures(confusion([[[0, 1]]], [[[255, 255]]], num_classes=2))
    assert math.isnan(figures.pop("mean_iou")) and math.isnan(figures.pop("pixel_accuracy"))
    assert figures == {"classes_counted": 0}


def test_means_say_over_how_many_classes_they_are():
    assert mean_over_classes(np.array([0.25, math.nan, 0.75])) == (0.5, 2)
    mean, num_counted = mean_over_classes(np.array([math.nan]))
    assert math.isnan(mean) and num_counted == 0


def test_it_is_the_sets_matrix_whatever_the_batches_and_a_mirror():
    generator = torch.Generator().manual_seed(0)
    predicted = torch.randint(5, (6, 8, 10), generator=generator)
    truth = torch.randint(6, (6, 8, 10), generator=generator)  # 5: unlabelled
    counted = confusion(predicted.tolist(), truth.tolist(), num_classes=5)
    for row in range(5):
        for column in range(5):
            assert counted[row, column] == int(((truth == row) & (predicted == column)).sum())

    in_batches, turned = PixelCounts(5, CPU), PixelCounts(5, CPU)
    for start in range(0, 6, 4):
        part = slice(start, start + 4)
        in_batches.add(predicted[part], truth[part].to(torch.uint8))
        turned.add(predicted[part].flip(2), truth[part].flip(2))
    assert (in_batches.confusion() == counted).all() and (turned.confusion() == counted).all()


def test_the_truth_itself_has_1_exactly():
    generator = torch.Generator().manual_seed(0)
    truth = torch.randint(7, (3, 8, 10), generator=generator)
    counts = PixelCounts(9, CPU)
    counts.add(truth, truth)
    assert segmentation_figures(counts.confusion()) == {
        "mean_iou": 1.0,
        "classes_counted": 7,
        "pixel_accuracy": 1.0,
    }


def test_counting_waits_for_no_device():
    """On the meta device whatever looks at a value fails."""
    meta = torch.device("meta")
    counts = PixelCounts(19, meta)
    image = torch.zeros(2, 4, 4, dtype=torch.int64, device=meta)
    counts.add(image, image.to(torch.uint8))
