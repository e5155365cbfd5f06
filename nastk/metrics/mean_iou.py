"""Mean intersection over union (mIoU) of a segmentation, from one confusion matrix over all pixels of a set.

One matrix, not a mean over images: Cordts et al., The Cityscapes Dataset (CVPR 2016), section 4.1.
Legend: N images, H W, K classes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from nastk.metrics.classes import mean_over_classes
from nastk.metrics.instances import Array


class PixelCounts:
    """Counts pixels of batch after batch, on their device, so that none has to wait for it.

    A pixel whose truth is no class, 255 or a set's own number for what is unlabelled, is left out.
    """

    def __init__(self, num_classes: int, device: torch.device) -> None:
        self._num_classes = num_classes
        # and one cell for what is left out: to leave it out before counting, the device would be waited for
        self._counts = torch.zeros(num_classes**2 + 1, dtype=torch.int64, device=device)

    def add(self, predicted: Tensor, truth: Tensor) -> None:
        """predicted: int64 [N, H, W], 0 .. K - 1; truth: integers [N, H, W]."""
        labels = truth.flatten().long()
        counted = (labels >= 0) & (labels < self._num_classes)
        cells = torch.where(counted, labels * self._num_classes + predicted.flatten(), len(self._counts) - 1)
        self._counts.index_add_(0, cells, torch.ones_like(cells))

    def confusion(self) -> Array:
        """int64 [K, K], pixels of the row's class that were taken for the column's."""
        return self._counts[:-1].view(self._num_classes, self._num_classes).cpu().numpy()


def iou_of_classes(confusion: Array) -> Array:
    """Of a confusion [K, K], right pixels by those of the class or taken for it, float64 [K] in 0 .. 1.

    NaN of a class that is neither in the truth nor in a prediction; 0 of one that is only predicted.
    """
    right = confusion.diagonal().astype(np.float64)
    united = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    return np.divide(right, united, out=np.full_like(right, np.nan), where=united > 0)


def segmentation_figures(confusion: Array) -> dict[str, float]:
    """mean_iou over the classes that occur, classes_counted, pixel_accuracy; NaN, 0, NaN where no pixel counts."""
    mean_iou, num_counted = mean_over_classes(iou_of_classes(confusion))
    pixels = int(confusion.sum())
    accuracy = int(confusion.trace()) / pixels if pixels else math.nan
    return {"mean_iou": mean_iou, "classes_counted": num_counted, "pixel_accuracy": accuracy}
