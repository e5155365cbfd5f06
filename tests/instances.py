"""Sets of objects and of what was found of them, from plain lists, at random, and turned round."""

from dataclasses import replace

import numpy as np

from nastk.metrics.instances import Detections, Objects, Persons, Poses, areas

WIDTH = 640  # of the images, in pixels


def objects(*rows):
    """Rows of (image, label, box) or (image, label, box, ignored), with the areas of their boxes."""
    boxes = np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4)
    return Objects(
        images=np.array([row[0] for row in rows], dtype=np.int64),
        labels=np.array([row[1] for row in rows], dtype=np.int64),
        boxes=boxes,
        areas=areas(boxes),
        ignored=np.array([row[3:] == (True,) for row in rows], dtype=bool),
    )


def detections(*rows):
    """Rows of (image, label, box, score)."""
    return Detections(
        images=np.array([row[0] for row in rows], dtype=np.int64),
        labels=np.array([row[1] for row in rows], dtype=np.int64),
        boxes=np.array([row[2] for row in rows], dtype=np.float64).reshape(-1, 4),
        scores=np.array([row[3] for row in rows], dtype=np.float64),
    )


def random_objects(random, num, num_labels=3, ignored=0.0):
    """Distinct boxes with whole numbers, some of which overlap."""
    corners = random.permutation(WIDTH - 200)[:num]
    boxes = np.stack([corners, corners // 2, corners, corners // 2], axis=1).astype(np.float64)
    boxes[:, 2:] += random.integers(1, 200, (num, 2))
    return Objects(
        images=random.integers(0, 3, num),
        labels=random.integers(0, num_labels, num),
        boxes=boxes,
        areas=areas(boxes),
        ignored=random.random(num) < ignored,
    )


def perfect(random, truth):
    """Every object found once, in any order, as sure as may be."""
    order = random.permutation(len(truth.images))
    scores = random.integers(0, 5, len(order)) / 4
    return Detections(truth.images[order], truth.labels[order], truth.boxes[order], scores)


def mirrored(instances):
    """Objects or detections in images that were turned round."""
    return replace(instances, boxes=_mirrored(instances.boxes))


def random_persons(random, num, num_joints):
    """With a labelled joint each, in three images."""
    corners = random.uniform(0, 400, (num, 2))
    sides = random.uniform(20, 200, (num, 2))
    places = corners[:, None] + sides[:, None] * random.random((num, num_joints, 2))
    visibility = random.integers(0, 3, (num, num_joints, 1)).astype(np.float64)
    visibility[:, 0] = 2.0
    boxes = np.concatenate([corners, corners + sides], axis=1)
    return Persons(
        images=random.integers(0, 3, num),
        joints=np.concatenate([places, visibility], axis=2),
        boxes=boxes,
        areas=areas(boxes) / 2,
        ignored=np.zeros(num, dtype=bool),
    )


def perfect_poses(random, truth):
    order = random.permutation(len(truth.images))
    return Poses(truth.images[order], truth.joints[order, :, :2], random.random(len(order)))


def mirrored_persons(truth):
    joints = truth.joints.copy()
    joints[..., 0] = WIDTH - joints[..., 0]
    return replace(truth, joints=joints, boxes=_mirrored(truth.boxes))


def mirrored_poses(found):
    joints = found.joints.copy()
    joints[..., 0] = WIDTH - joints[..., 0]
    return replace(found, joints=joints)


def _mirrored(boxes):
    x1, y1, x2, y2 = boxes.T
    return np.stack([WIDTH - x2, y1, WIDTH - x1, y2], axis=1)
