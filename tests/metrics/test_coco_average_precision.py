"""AP and AR as COCO has them: hand-computed cases, and figures that pycocotools gave for larger ones."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from instances import (
    detections,
    mirrored,
    mirrored_persons,
    mirrored_poses,
    objects,
    perfect,
    perfect_poses,
    random_objects,
    random_persons,
)

from nastk.metrics.coco_average_precision import (
    BOX_FIGURES,
    POSE_FIGURES,
    coco_box_figures,
    coco_pose_figures,
)
from nastk.metrics.instances import Detections, Objects, Persons, Poses, areas
from nastk.metrics.object_keypoint_similarity import COCO_SIGMAS

LEFT, RIGHT = (0, 0, 10, 10), (20, 0, 30, 10)


def ap(truth, found):
    return coco_box_figures(truth, found)["AP"]


def test_the_mean_over_limits_of_iou():
    """IoU 0.82 is a match at 0.5, 0.55 .. 0.8, 7 of 10; the only object is of 100 pixels, small."""
    found = coco_box_figures(objects((0, 0, LEFT)), detections((0, 0, (0, 0, 10, 8.2), 0.5)))
    expected = dict.fromkeys(BOX_FIGURES, 0.7) | {"AP50": 1.0, "AP75": 1.0}
    expected |= {f"{figure}_{size}": math.nan for figure in ("AP", "AR") for size in ("medium", "large")}
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_the_limit_is_a_match():
    """IoU 0.5, which is one only at the first of ten limits; VOC's AP has no match there."""
    found = coco_box_figures(objects((0, 0, LEFT)), detections((0, 0, (0, 0, 10, 5), 0.5)))
    assert (found["AP50"], found["AP75"], found["AP"]) == (1.0, 0.0, 0.1)


def test_the_mean_over_101_recalls():
    """No, then yes: precision 1/2 at the recalls 0 .. 0.5, which are 51 of 101; one of two objects is found."""
    found = coco_box_figures(
        objects((0, 0, LEFT), (0, 0, RIGHT)), detections((0, 0, (50, 50, 60, 60), 0.9), (0, 0, LEFT, 0.8))
    )
    assert found["AP"] == found["AP50"] == pytest.approx(51 / 101 / 2, abs=1e-12)
    assert found["AR"] == 0.5


def test_what_lies_on_a_crowd_counts_neither_way():
    """Otherwise the precision would be 1/2. It need not be as large: of a crowd the share of the detection counts."""
    found = detections((0, 0, (100, 100, 110, 110), 0.9), (0, 0, LEFT, 0.8))
    crowd = (100, 100, 200, 200)
    assert ap(objects((0, 0, LEFT), (0, 0, crowd, True)), found) == 1.0
    assert ap(objects((0, 0, LEFT), (1, 0, crowd, True)), found) == 0.5


def test_labels_may_have_gaps_and_those_without_objects_do_not_count():
    """Label 7 is found, 90 is not, 3 is there only as a detection; image 12 has nothing but that."""
    truth = objects((5, 7, LEFT), (900, 90, LEFT))
    assert ap(truth, detections((5, 7, LEFT, 0.9), (5, 90, LEFT, 0.9), (12, 3, LEFT, 0.9))) == 0.5


def test_of_equal_scores_the_earlier_is_surer_and_nan_is_the_least():
    truth, hit, miss = objects((0, 0, LEFT)), (0, 0, LEFT, 0.5), (0, 0, RIGHT, 0.5)
    assert ap(truth, detections(hit, miss)) == 1.0
    assert ap(truth, detections(miss, hit)) == 0.5
    assert ap(truth, detections((*miss[:3], math.nan), (*hit[:3], -5.0))) == 1.0


def test_a_hundred_detections_of_an_image_and_label_count():
    others = [(0, 0, (50, 50, 60, 60), 0.9)] * 99
    truth, hit = objects((0, 0, LEFT)), (0, 0, LEFT, 0.8)
    figures = coco_box_figures(truth, detections(*others, hit))
    assert (figures["AP"], figures["AR"]) == (pytest.approx(1 / 100), 1.0)
    assert ap(truth, detections(*others, others[0], hit)) == 0.0
    assert ap(truth, detections(*others, (1, 0, LEFT, 0.9), (0, 1, LEFT, 0.9), hit)) == pytest.approx(1 / 101)


@pytest.mark.parametrize(
    ("area", "sizes"),
    [
        (1023.0, {"small"}),
        (1024.0, {"small", "medium"}),
        (9216.0, {"medium", "large"}),
        (9217.0, {"large"}),
    ],
)
def test_an_objects_area_says_how_large_it_is(area, sizes):
    """Not its box, here of 10,000 pixels."""
    box = (0, 0, 100, 100)
    truth = replace(objects((0, 0, box)), areas=np.array([area]))
    figures = coco_box_figures(truth, detections((0, 0, box, 0.5)))
    for size in ("small", "medium", "large"):
        expected = 1.0 if size in sizes else math.nan
        found = [figures[f"{figure}_{size}"] for figure in ("AP", "AR")]
        assert found == pytest.approx([expected] * 2, nan_ok=True)


def test_nothing():
    figures = coco_box_figures(objects((0, 0, LEFT)), detections())
    assert (figures["AP"], figures["AR"], figures["AP_small"]) == (0.0, 0.0, 0.0)
    for truth in (objects(), objects((0, 0, LEFT, True))):  # a crowd is none to be found
        for found in (detections(), detections((0, 0, LEFT, 0.5))):
            assert all(math.isnan(value) for value in coco_box_figures(truth, found).values())


def test_whoever_finds_everything_has_1_exactly():
    for seed in range(20):
        random = np.random.default_rng(seed)
        truth = random_objects(random, num=int(random.integers(1, 40)))
        found = perfect(random, truth)
        for pair in ((truth, found), (mirrored(truth), mirrored(found))):
            figures = coco_box_figures(*pair)
            assert figures["AP"] == figures["AR"] == 1.0
            assert {value for value in figures.values() if not math.isnan(value)} == {1.0}
        assert coco_box_figures(truth, mirrored(found))["AP"] < 1.0


def test_it_is_silent_and_leaves_what_it_is_given(capfd, caplog):
    truth, found = objects((0, 0, LEFT)), detections((0, 0, LEFT, 0.5))
    before = [array.copy() for part in (truth, found) for array in vars(part).values()]
    coco_box_figures(truth, found)
    after = [array for part in (truth, found) for array in vars(part).values()]
    assert all((one == other).all() for one, other in zip(before, after, strict=True))
    assert (tuple(capfd.readouterr()), caplog.records) == (("", ""), [])


def test_where_the_evaluator_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(ValueError) as caught:
        coco_box_figures(objects((0, 0, LEFT)), detections())
    assert str(caught.value) == (
        "AP by COCO's rules: faster-coco-eval is not installed; pip install 'nastk[detection]'"
    )


def person(joints, area=10_000.0, ignored=False):
    """One in image 0, with a box that its joints have nothing to do with."""
    return Persons(
        images=np.array([0]),
        joints=np.array([joints], dtype=np.float64),
        boxes=np.array([[0.0, 0.0, 100.0, 100.0]]),
        areas=np.array([area]),
        ignored=np.array([ignored]),
    )


def pose(*joints, score=0.5):
    return Poses(np.array([0]), np.array([joints], dtype=np.float64), np.array([score]))


def test_poses_are_met_by_oks():
    """Sigma 0.05, d^2 = 100: OKS exp(-1/2) = 0.607 is a match at 0.5, 0.55, 0.6. Of 10,000 pixels: large."""
    figures = coco_pose_figures(person([(20, 20, 2)]), pose((26, 28)), [0.05])
    expected = dict.fromkeys(POSE_FIGURES, 0.3) | {"AP50": 1.0, "AP75": 0.0}
    expected |= {"AP_medium": math.nan, "AR_medium": math.nan}
    assert figures == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_a_joint_that_is_not_labelled_does_not_count():
    figures = coco_pose_figures(person([(20, 20, 1), (0, 0, 0)]), pose((20, 20), (900, 900)), [0.05, 0.05])
    assert figures["AP"] == 1.0


def test_persons_that_are_none_to_be_found():
    """A crowd, and who has no labelled joint."""
    hit = pose((20, 20))
    for truth in (person([(20, 20, 2)], ignored=True), person([(20, 20, 0)])):
        assert all(math.isnan(value) for value in coco_pose_figures(truth, hit, [0.05]).values())


def test_no_pose():
    none = Poses(np.zeros(0, dtype=np.int64), np.zeros((0, 1, 2)), np.zeros(0))
    nobody = Persons(none.images, np.zeros((0, 1, 3)), np.zeros((0, 4)), none.scores, none.scores > 0)
    assert coco_pose_figures(person([(20, 20, 2)]), none, [0.05])["AP"] == 0.0
    for found in (none, pose((20, 20))):
        assert all(math.isnan(value) for value in coco_pose_figures(nobody, found, [0.05]).values())


def test_small_persons_count_only_in_the_whole():
    figures = coco_pose_figures(person([(20, 20, 2)], area=1000.0), pose((20, 20)), [0.05])
    assert {name for name, value in figures.items() if math.isnan(value)} == {
        *("AP_medium", "AP_large", "AR_medium", "AR_large")
    }
    assert figures["AP"] == 1.0


def test_twenty_poses_of_an_image_count():
    def found(num_others):
        joints = np.full((num_others + 1, 1, 2), 999.0)
        joints[-1] = 20.0
        scores = np.linspace(0.9, 0.1, num_others + 1)
        return Poses(np.zeros(num_others + 1, dtype=np.int64), joints, scores)

    truth = person([(20, 20, 2)])
    assert coco_pose_figures(truth, found(19), [0.05])["AP"] == pytest.approx(1 / 20)
    assert coco_pose_figures(truth, found(20), [0.05])["AP"] == 0.0


def test_whoever_finds_every_pose_has_1_exactly():
    for seed in range(20):
        random = np.random.default_rng(seed)
        truth = random_persons(random, num=int(random.integers(1, 20)), num_joints=17)
        found = perfect_poses(random, truth)
        for pair in ((truth, found), (mirrored_persons(truth), mirrored_poses(found))):
            figures = coco_pose_figures(*pair, COCO_SIGMAS)
            assert figures["AP"] == figures["AR"] == 1.0
            assert {value for value in figures.values() if not math.isnan(value)} == {1.0}
        assert coco_pose_figures(truth, mirrored_poses(found), COCO_SIGMAS)["AP"] < 1.0


def test_pycocotools_says_the_same_of_boxes():
    """Recorded from pycocotools 2.0.11, which prints: sizes, crowds, ties, labels, more than one of an object."""
    truth, found = boxes_of_a_larger_case()
    assert coco_box_figures(truth, found) == pytest.approx(
        {
            "AP": 0.552070346469,
            "AP50": 0.776655847473,
            "AP75": 0.607932240592,
            "AP_small": 0.367876787679,
            "AP_medium": 0.636280877418,
            "AP_large": 0.810922802903,
            "AR": 0.773818181818,
            "AR_small": 0.425,
            "AR_medium": 0.811888888889,
            "AR_large": 0.955555555556,
        },
        abs=1e-11,
    )


def test_pycocotools_says_the_same_of_poses():
    truth, found = poses_of_a_larger_case()
    assert coco_pose_figures(truth, found, COCO_SIGMAS) == pytest.approx(
        {
            "AP": 0.53334384038,
            "AP50": 0.718180203051,
            "AP75": 0.599490872581,
            "AP_medium": 0.57043853186,
            "AP_large": 0.57864824944,
            "AR": 0.830769230769,
            "AR_medium": 0.836842105263,
            "AR_large": 0.92,
        },
        abs=1e-11,
    )


def wandering(num, step, below):
    """Whole numbers in 0 .. below - 1, unlike those of a generator the same with every numpy."""
    return np.arange(1, num + 1) * step % below


def boxes_of_a_larger_case():
    """60 objects with sides of 8 to 160 pixels in 4 images, of 5 labels, some of them crowds; 180 detections."""
    corners = np.stack([wandering(60, 37, 301), wandering(60, 53, 211)], axis=1)
    sides = np.stack([8 + wandering(60, 71, 153), 8 + wandering(60, 29, 149)], axis=1)
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float64)
    images, labels = wandering(60, 7, 4) + 10, wandering(60, 3, 5) * 17
    truth = Objects(images, labels, boxes, areas(boxes) * 0.75, wandering(60, 11, 8) == 0)
    which, off = np.arange(180) % 60, wandering(180, 5, 13) - 6.0
    near = boxes[which] + off[:, None] * [0.5, 1.0, -0.5, 1.0]
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    wrong = wandering(180, 3, 7) == 0
    return truth, Detections(images[which], labels[which] + wrong, near, wandering(180, 7, 11) / 11)


def poses_of_a_larger_case():
    """30 persons in 3 images, some joints not labelled, some persons crowds; 60 poses, off by some pixels."""
    corners = np.stack([wandering(30, 37, 301), wandering(30, 53, 211)], axis=1).astype(np.float64)
    sides = np.stack([20 + wandering(30, 71, 153), 20 + wandering(30, 29, 149)], axis=1)
    shares = np.stack([wandering(17, 5, 18), wandering(17, 7, 18)], axis=1) / 18
    places = corners[:, None] + sides[:, None] * shares
    visibility = (wandering(510, 7, 5) % 3).reshape(30, 17, 1)
    visibility[3] = 0
    images, boxes = wandering(30, 7, 3), np.concatenate([corners, corners + sides], axis=1)
    truth = Persons(
        images,
        np.concatenate([places, visibility], axis=2),
        boxes,
        areas(boxes) * 0.6,
        wandering(30, 11, 8) == 0,
    )
    which = np.arange(60) % 30
    off = (wandering(60 * 34, 11, 17) - 8.0).reshape(60, 17, 2) * (wandering(60, 3, 7) / 6)[:, None, None]
    return truth, Poses(images[which], places[which] + off, wandering(60, 7, 11) / 11)
