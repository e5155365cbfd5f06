"""AP as VOC has it: hand-computed curves, and the definition, one detection after the other."""

import math

import numpy as np
import pytest
from instances import detections, mirrored, objects, perfect, random_objects

from nastk.metrics.instances import Detections
from nastk.metrics.voc_average_precision import voc_average_precision

LEFT, RIGHT = (0, 0, 10, 10), (20, 0, 30, 10)


def ap(truth, found, **options):
    (value,) = voc_average_precision(truth, found, num_classes=1, **options)
    return value


def test_a_curve():
    """Three objects count. Hits: yes, no (a second one), neither way (difficult), yes (IoU 0.6), no (nothing there).

    Precision 1, 1/2, 2/3, 2/4 at recalls 1/3, 1/3, 2/3, 2/3. At 0, 0.1, 0.2, 0.3 the largest from there on is 1, at
    0.4, 0.5, 0.6 it is 2/3, beyond 0: (4 + 2) / 11. The area is 1/3 of 1 and 1/3 of 2/3.
    """
    truth = objects((0, 0, LEFT), (0, 0, RIGHT), (1, 0, LEFT), (1, 0, RIGHT, True))
    found = detections(
        (0, 0, LEFT, 0.9),
        (1, 0, (0, 0, 10, 6), 0.6),
        (0, 0, (0, 0, 10, 9), 0.8),
        (1, 0, (50, 50, 60, 60), 0.5),
        (1, 0, RIGHT, 0.7),
    )
    assert ap(truth, found) == pytest.approx(6 / 11, abs=1e-15)
    assert ap(truth, found, all_points=True) == pytest.approx(5 / 9, abs=1e-15)


def test_precision_is_the_largest_from_there_on():
    """No, yes, yes: precision 0, 1/2, 2/3 at recalls 0, 1/2, 1: 2/3 everywhere."""
    truth = objects((0, 0, LEFT), (0, 0, RIGHT))
    found = detections((1, 0, LEFT, 0.9), (0, 0, LEFT, 0.8), (0, 0, RIGHT, 0.7))
    assert ap(truth, found) == pytest.approx(2 / 3, abs=1e-15)
    assert ap(truth, found, all_points=True) == pytest.approx(2 / 3, abs=1e-15)


@pytest.mark.parametrize("num_found", range(11))
def test_a_recall_that_is_a_point_reaches_it(num_found):
    """n of 10 objects: the points 0 .. n / 10, which are n + 1; in floats 3 / 10 < 3 * 0.1."""
    rows = [(image, 0, LEFT) for image in range(10)]
    found = detections(*((*row, 0.5) for row in rows[:num_found]))
    assert ap(objects(*rows), found) == pytest.approx((num_found + 1) / 11 if num_found else 0.0, abs=1e-15)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 10, 5), 0.0),  # IoU 0.5: no match
        ((0, 0, 10, 5.001), 1.0),
        ((0, 0, 20, 10), 0.0),  # 0.5, too; with a pixel more a side it would be 121 / 231
    ],
)
def test_a_match_needs_more_than_half(box, expected):
    assert ap(objects((0, 0, LEFT)), detections((0, 0, box, 0.5))) == expected


def test_only_the_best_object_is_taken():
    """The second detection has IoU 0.95 with a taken object and 0.87 with a free one: yes, no; one of two found."""
    truth = objects((0, 0, (0, 0, 10, 10)), (0, 0, (0, 0, 10, 12)))
    found = detections((0, 0, (0, 0, 10, 10), 0.9), (0, 0, (0, 0, 10, 10.5), 0.8))
    assert ap(truth, found) == pytest.approx(6 / 11, abs=1e-15)


def test_of_equal_scores_the_earlier_is_surer_and_nan_is_the_least():
    truth, hit, miss = objects((0, 0, LEFT)), (0, 0, LEFT, 0.5), (0, 0, RIGHT, 0.5)
    assert ap(truth, detections(hit, miss)) == 1.0
    assert ap(truth, detections(miss, hit)) == 0.5
    assert ap(truth, detections((*miss[:3], math.nan), (*hit[:3], -5.0))) == 1.0


def test_classes_and_images_have_nothing_to_do_with_one_another():
    truth = objects((0, 0, LEFT), (1, 1, LEFT), (0, 2, LEFT, True))
    found = detections((1, 0, LEFT, 0.9), (0, 1, LEFT, 0.9), (0, 2, LEFT, 0.9), (0, 3, LEFT, 0.9))
    np.testing.assert_array_equal(
        voc_average_precision(truth, found, num_classes=4), [0.0, 0.0, math.nan, math.nan]
    )


def test_nothing():
    assert ap(objects((0, 0, LEFT)), detections()) == 0.0
    assert math.isnan(ap(objects(), detections((0, 0, LEFT, 0.5))))
    assert math.isnan(ap(objects(), detections()))


@pytest.mark.parametrize("all_points", [False, True])
def test_whoever_finds_everything_has_1_exactly(all_points):
    for seed in range(50):
        random = np.random.default_rng(seed)
        truth = random_objects(random, num=int(random.integers(1, 40)))
        found = perfect(random, truth)
        for pair in ((truth, found), (mirrored(truth), mirrored(found))):
            values = voc_average_precision(*pair, num_classes=3, all_points=all_points)
            assert set(values[~np.isnan(values)]) == {1.0}
            assert np.isnan(values).tolist() == [label not in truth.labels for label in range(3)]
        only_one = voc_average_precision(truth, mirrored(found), num_classes=3, all_points=all_points)
        assert np.nanmin(only_one) < 1.0


def by_definition(truth, found, label):
    """VOC's rules in their words, one detection after the other."""
    taken, hits = set(), []
    for row in sorted(range(len(found.scores)), key=lambda row: -found.scores[row]):
        if found.labels[row] != label:
            continue
        best, largest = None, -1.0
        for other in range(len(truth.images)):
            if (truth.images[other], truth.labels[other]) == (found.images[row], label):
                a, b = found.boxes[row], truth.boxes[other]
                width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
                shared = max(width, 0.0) * max(height, 0.0)
                united = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
                if shared / united > largest:
                    best, largest = other, shared / united
        if largest <= 0.5:
            hits.append(False)
        elif not truth.ignored[best]:
            hits.append(best not in taken)
            taken.add(best)
    num_objects = sum(truth.labels[~truth.ignored] == label)
    curve = [(sum(hits[:n]), sum(hits[:n]) / n) for n in range(1, len(hits) + 1)]
    return sum(
        max((precision for num_hits, precision in curve if 10 * num_hits >= point * num_objects), default=0.0)
        for point in range(11)
    ) / (11 if num_objects else math.nan)


def test_it_is_its_definition():
    kinds = set()
    for seed in range(150):
        random = np.random.default_rng(seed)
        truth = random_objects(random, num=int(random.integers(1, 12)), ignored=0.2)
        source = random.integers(0, len(truth.images), 20)  # several detections of one object
        boxes = truth.boxes[source] + random.integers(-40, 40, (20, 4)) * random.integers(0, 2, (20, 1))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        found = Detections(truth.images[source], truth.labels[source], boxes, random.integers(0, 5, 20) / 4)
        values = voc_average_precision(truth, found, num_classes=3)
        expected = [by_definition(truth, found, label) for label in range(3)]
        np.testing.assert_allclose(values, expected, atol=1e-12)
        kinds |= {"nan" if math.isnan(value) else value in (0.0, 1.0) for value in expected}
    assert kinds == {"nan", False, True}
