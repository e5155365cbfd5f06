"""Object keypoint similarity (OKS): what IoU is to boxes, of poses.

Source: COCO's rules for keypoints (cocodataset.org/#keypoints-eval, section 1.3), with the numbers of its code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nastk.metrics.instances import Array

# How far annotators are from one another, of COCO's 17 joints: nose, eyes, ears, shoulders, elbows, wrists, hips,
# knees, ankles.
COCO_SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
    *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)


def object_keypoint_similarity(found: Array, truth: Array, areas: ArrayLike, sigmas: ArrayLike) -> Array:
    """The mean over labelled joints of exp(-d^2 / (2 area (2 sigma)^2)), in 0 .. 1, NaN where none is labelled.

    d: from the joint found to the true one. found: float [..., J, 2], x, y in pixels; truth: float [..., J, 3],
    x, y and visibility, above 0 of labelled joints; areas: float [...] of the true objects in square pixels;
    sigmas: [J]. Of found[:, None] and truth[None] it is a matrix of all pairs.
    """
    distances = ((found - truth[..., :2]) ** 2).sum(axis=-1)
    scales = (2.0 * np.asarray(sigmas)) ** 2
    # COCO's smallest addition: who has no area is met exactly or not at all.
    sizes = np.asarray(areas, dtype=np.float64)[..., None] + np.spacing(1.0)
    labelled = np.broadcast_to(truth[..., 2] > 0, distances.shape)
    near = np.where(labelled, np.exp(-distances / scales / sizes / 2.0), 0.0).sum(axis=-1)
    num_labelled = labelled.sum(axis=-1)
    return np.divide(near, num_labelled, out=np.full_like(near, np.nan), where=num_labelled > 0)
