"""OKS, by hand and pair by pair."""

import math

import numpy as np
import pytest
from instances import mirrored_persons, mirrored_poses, perfect_poses, random_persons

from nastk.metrics.object_keypoint_similarity import COCO_SIGMAS, object_keypoint_similarity


def test_by_hand():
    """Sigma 0.05: (2 sigma)^2 = 0.01; with an area of 10,000 it is exp(-d^2 / 200).

    Joints off by 0 and by (6, 8), d^2 = 100, give 1 and exp(-1/2); the third is not labelled.
    """
    truth = np.array([[5.0, 5.0, 2.0], [20.0, 20.0, 1.0], [0.0, 0.0, 0.0]])
    found = np.array([[5.0, 5.0], [26.0, 28.0], [999.0, 999.0]])
    value = object_keypoint_similarity(found, truth, areas=10_000, sigmas=(0.05, 0.05, 0.05))
    assert float(value) == pytest.approx((1 + math.exp(-0.5)) / 2, abs=1e-15)


def test_each_joint_has_its_sigma_and_each_person_an_area():
    """d^2 = 64 everywhere. Sigma 0.1: exp(-64 / (2 * 0.04 * 400)) = exp(-2); half the area: exp(-4).

    With sigma 0.2 the exponent is a quarter of that.
    """
    truth = np.array([[[0.0, 0.0, 2.0], [0.0, 0.0, 2.0]]] * 2)
    found = truth[..., :2] + [8.0, 0.0]
    values = object_keypoint_similarity(found, truth, areas=[400, 200], sigmas=(0.1, 0.2))
    np.testing.assert_allclose(
        values, [(math.exp(-2) + math.exp(-0.5)) / 2, (math.exp(-4) + math.exp(-1)) / 2], atol=1e-15
    )


def test_nobody_is_like_a_person_without_labelled_joints():
    assert math.isnan(object_keypoint_similarity(np.zeros((2, 2)), np.zeros((2, 3)), 100, (0.1, 0.1)))


def test_a_person_without_an_area_is_met_exactly_or_not_at_all():
    truth = np.array([[1.0, 1.0, 2.0]])
    assert object_keypoint_similarity(np.array([[1.0, 1.0]]), truth, 0, (0.1,)) == 1.0
    assert object_keypoint_similarity(np.array([[1.5, 1.0]]), truth, 0, (0.1,)) == 0.0


def test_a_matrix_is_made_of_pairs_and_does_not_change_in_a_mirror():
    random = np.random.default_rng(0)
    truth = random_persons(random, num=7, num_joints=17)
    found = perfect_poses(random, truth)

    def matrix(truth, found):
        return object_keypoint_similarity(found.joints[:, None], truth.joints[None], truth.areas, COCO_SIGMAS)

    values = matrix(truth, found)
    assert values.shape == (7, 7)
    assert (values.max(axis=0) == 1.0).all() and (np.sort(values, axis=0)[-2] < 1.0).all()
    for row, joints in enumerate(found.joints):
        for column, others in enumerate(truth.joints):
            alone = object_keypoint_similarity(joints, others, truth.areas[column], COCO_SIGMAS)
            assert values[row, column] == pytest.approx(float(alone), abs=1e-15)
    turned = matrix(mirrored_persons(truth), mirrored_poses(found))
    np.testing.assert_allclose(turned, values, atol=1e-12)


def test_sigmas_are_of_17_joints_in_pairs():
    """In thousandths: the nose, then eyes, ears, shoulders, elbows, wrists, hips, knees, ankles."""
    nose, *pairs = [round(1000 * sigma) for sigma in COCO_SIGMAS]
    assert (nose, pairs[::2]) == (26, [25, 35, 79, 72, 62, 107, 87, 89])
    assert pairs[::2] == pairs[1::2]
