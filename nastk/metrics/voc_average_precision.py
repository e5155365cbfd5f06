"""Average precision (AP) of a detector as PASCAL VOC has it, class by class; its mean over them is the mAP.

Source: Everingham et al., The PASCAL Visual Object Classes (VOC) Challenge (IJCV 88, 2010), section 4.2; from 2010
on its code takes all points of the curve. Two things are as the papers on SSD have them, not as VOC's code: a box
is as wide as x2 - x1, without one pixel more, and an IoU of exactly 0.5 is no match.
"""

from __future__ import annotations

import math

import numpy as np

from nastk.metrics.instances import (
    Array,
    Detections,
    Objects,
    intersections_over_unions,
    rows_of_images,
)

MATCHES_ABOVE = 0.5  # IoU


def voc_average_precision(
    truth: Objects, found: Detections, num_classes: int, all_points: bool = False
) -> Array:
    """AP float64 [K] in 0 .. 1 of the classes with labels 0 .. K - 1; NaN of a class without objects that count.

    Surest first, a detection takes the object of its image and class that it has the largest IoU with (the first
    of several), if that is above 0.5 and nobody has it yet; otherwise it is a false positive, even if another
    object is free. Whoever meets an ignored object counts neither way, and such objects are none to be found.
    all_points: the area under the curve (VOC 2010) instead of the mean at 11 recalls (VOC 2007). In both the
    precision at a recall is the largest at that recall or beyond.
    """
    order = np.argsort(-found.scores, kind="stable")  # NaN last
    best, overlap = _best_objects(truth, found)
    best, labels = best[order], found.labels[order]
    (meeting,) = np.nonzero(overlap[order] > MATCHES_ABOVE)
    _, first = np.unique(best[meeting], return_index=True)
    hits, counts = np.zeros(len(order), dtype=bool), np.ones(len(order), dtype=bool)
    hits[meeting[first]] = True
    counts[meeting] = ~truth.ignored[best[meeting]]
    return np.array(
        [
            _average_precision(
                hits[counts & (labels == label)],
                int((~truth.ignored & (truth.labels == label)).sum()),
                all_points,
            )
            for label in range(num_classes)
        ]
    )


def _best_objects(truth: Objects, found: Detections) -> tuple[Array, Array]:
    """The row in `truth` that each detection has the largest IoU with, and that IoU, both [n].

    Where there is no object of its class in its image, the IoU is -1 and the row nothing.
    """
    best, overlap = np.zeros(len(found.images), dtype=np.int64), np.full(len(found.images), -1.0)
    objects_of = rows_of_images(truth.images)
    for image, rows in rows_of_images(found.images).items():
        if image in objects_of:
            objects = objects_of[image]
            same = found.labels[rows][:, None] == truth.labels[objects][None]
            overlaps = intersections_over_unions(found.boxes[rows], truth.boxes[objects])
            overlaps = np.where(same, overlaps, -1.0)
            best[rows], overlap[rows] = objects[overlaps.argmax(axis=1)], overlaps.max(axis=1)
    return best, overlap


def _average_precision(hits: Array, num_objects: int, all_points: bool) -> float:
    """hits: bool [n], whether the surest detection is one, the next, ..."""
    if not num_objects:
        return math.nan
    num_hits = np.cumsum(hits)
    precision = num_hits / np.arange(1, len(hits) + 1)
    from_here = np.maximum.accumulate(precision[::-1])[::-1]
    if all_points:
        return float(from_here[hits].sum()) / num_objects
    # In integers: as floats, 3 of 10 objects are not yet a recall of 3 * 0.1.
    reached = np.searchsorted(10 * num_hits, np.arange(11) * num_objects)
    return float(np.append(from_here, 0.0)[reached].mean())
