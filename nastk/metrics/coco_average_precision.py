"""Average precision (AP) and recall (AR) by COCO's rules, of boxes and of poses.

Computed by faster-coco-eval (Apache-2.0, nastk's extra `detection`). The reference, pycocotools (BSD), says the
same to 4e-16 (3,438 random sets; of a single object found it says 1 - 2^-52, this one 1); this one takes a quarter
of the time and prints nothing, so that nobody's standard output is taken away for it.
Source of the rules: Lin et al., Microsoft COCO (ECCV 2014), and cocodataset.org/#detection-eval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nastk.metrics.instances import Array, Detections, Objects, Persons, Poses, areas

BOX_FIGURES = {
    "AP": "AP_all",
    "AP50": "AP_50",
    "AP75": "AP_75",
    "AP_small": "AP_small",
    "AP_medium": "AP_medium",
    "AP_large": "AP_large",
    "AR": "AR_third",  # by up to 100 detections of an image and class, as AP; "AR_all" there is by one
    "AR_small": "AR_small",
    "AR_medium": "AR_medium",
    "AR_large": "AR_large",
}
POSE_FIGURES = {
    "AP": "AP_all",
    "AP50": "AP_50",
    "AP75": "AP_75",
    "AP_medium": "AP_medium",
    "AP_large": "AP_large",
    "AR": "AR_all",
    "AR_medium": "AR_medium",
    "AR_large": "AR_large",
}
PERSON = 1  # the only category of poses


def check_packages() -> None:
    """ValueError that says what to install: to be asked before a training, not behind it."""
    if find_spec("faster_coco_eval") is None:
        raise ValueError(
            "AP by COCO's rules: faster-coco-eval is not installed; pip install 'nastk[detection]'"
        )


def coco_box_figures(truth: Objects, found: Detections) -> dict[str, float]:
    """The BOX_FIGURES in 0 .. 1: means over the labels that have objects; NaN of a figure that no object is of.

    AP: the mean over IoU 0.5, 0.55 .. 0.95 of the mean precision at 101 recalls, by the surest 100 detections of
    each image and label; AR: of the largest recall. An IoU that is the limit is a match. Small objects are of up
    to 32^2 pixels, large ones of 96^2 and more, by Objects.areas. Ignored objects are COCO's crowds: what lies on
    one counts neither way. ValueError where the extra is not installed.
    """
    objects = _annotations(
        image_id=truth.images,
        category_id=truth.labels,
        bbox=_corner_and_sides(truth.boxes),
        area=truth.areas,
        iscrowd=truth.ignored.astype(np.int64),
    )
    detections = _annotations(
        image_id=found.images,
        category_id=found.labels,
        bbox=_corner_and_sides(found.boxes),
        area=areas(found.boxes),
        score=_comparable(found.scores),
    )
    return _figures(BOX_FIGURES, objects, detections, iouType="bbox")


def coco_pose_figures(truth: Persons, found: Poses, sigmas: ArrayLike) -> dict[str, float]:
    """The POSE_FIGURES in 0 .. 1; NaN of a figure that no person is of.

    As coco_box_figures with OKS by these sigmas [J] for IoU, and 20 poses an image. Persons without a labelled
    joint are ignored like crowds: a pose about them counts neither way. Small persons count in no figure but
    AP, AP50, AP75 and AR. ValueError where the extra is not installed.
    """
    assert truth.joints.shape[1] == found.joints.shape[1] == np.size(sigmas)
    objects = _annotations(
        image_id=truth.images,
        category_id=np.full(len(truth.images), PERSON),
        keypoints=_flat(truth.joints),
        num_keypoints=(truth.joints[..., 2] > 0).sum(axis=1),
        bbox=_corner_and_sides(truth.boxes),
        area=truth.areas,
        iscrowd=truth.ignored.astype(np.int64),
    )
    detections = _annotations(
        image_id=found.images,
        category_id=np.full(len(found.images), PERSON),
        keypoints=_flat(np.insert(found.joints, 2, 1.0, axis=2)),  # a visibility that nobody looks at
        area=np.ptp(found.joints, axis=1).prod(axis=1),
        score=_comparable(found.scores),
    )
    return _figures(
        POSE_FIGURES, objects, detections, iouType="keypoints", kpt_oks_sigmas=np.asarray(sigmas).tolist()
    )


def _annotations(**columns: Array) -> list[dict[str, Any]]:
    """The rows of columns [n, ...] as COCO's files have them, numbered from 1: its code takes 0 for no match."""
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        {"id": number, **dict(zip(columns, row, strict=True))} for number, row in enumerate(rows, start=1)
    ]


def _corner_and_sides(boxes: Array) -> Array:
    """COCO's x1, y1, width, height [n, 4]."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def _flat(joints: Array) -> Array:
    """[n, 3 J] of [n, J, 3]."""
    return joints.reshape(len(joints), joints.shape[1] * joints.shape[2])


def _comparable(scores: Array) -> Array:
    """With NaN as the least, which it is not where scores are only compared."""
    return np.where(np.isnan(scores), -np.inf, scores)


def _figures(
    figures: Mapping[str, str],
    objects: list[dict[str, Any]],
    detections: list[dict[str, Any]],
    **rules: Any,
) -> dict[str, float]:
    """The evaluator's figures by their names here; it says -1 of what there is no object of."""
    check_packages()
    from faster_coco_eval import COCO, COCOeval_faster

    images = sorted({row["image_id"] for row in objects + detections})
    categories = sorted({row["category_id"] for row in objects + detections})
    about = {"images": [{"id": image} for image in images], "categories": [{"id": c} for c in categories]}
    evaluator = COCOeval_faster(
        COCO({**about, "annotations": objects}), COCO({**about, "annotations": detections}), **rules
    )
    evaluator.run()
    values = evaluator.stats_as_dict
    return {name: values[key] if values[key] >= 0 else math.nan for name, key in figures.items()}
