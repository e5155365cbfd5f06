"""What a test says of a classifier besides its accuracy: top 5, each class, which is taken for which, calibration.

Legend: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

TOP = 5
BINS = 15
WORST = 12  # images that are kept to be looked at


@dataclass(frozen=True)
class Outcome:
    """Counts over N images, on the CPU, of which `figures` makes figures.

    confusion: int64 [K, K], images of the row's class that were taken for the column's. top_5: images whose
    class is among the five likeliest. bins: float64 [15, 3], of the images whose likeliest class has a
    probability in (b / 15, (b + 1) / 15]: how many, how many of them right, the sum of that probability.
    worst: int64 [M, 3], of the M <= 12 wrong predictions that the network was surest of the image's place among
    the tested, its class, the class predicted; sureness: float64 [M], that one's probability.
    """

    confusion: Tensor
    top_5: int
    bins: Tensor
    worst: Tensor
    sureness: Tensor

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def figures(self, classes: Sequence[str]) -> dict[str, Any]:
        """For test.json: shares in %, None where there is nothing to divide by (top_5: no more than 5 classes).

        accuracy: share of right predictions. balanced_accuracy: mean over the classes that have images of the
        share of them that is right, their recall. calibration: the expected calibration error, the mean over
        images of how far their bin's confidence is from its accuracy (Guo et al., arXiv 1706.04599, equation 3).
        """
        num = int(self.confusion.sum())
        right, images, predicted = (
            counts.tolist()
            for counts in (self.confusion.diag(), self.confusion.sum(dim=1), self.confusion.sum(dim=0))
        )
        recalls = [_percent(*pair) for pair in zip(right, images, strict=True)]
        known = [recall for recall in recalls if recall is not None]
        return {
            "images": num,
            "accuracy": _percent(sum(right), num),
            "balanced_accuracy": sum(known) / len(known),
            "top_5": _percent(self.top_5, num) if len(classes) > TOP else None,
            "classes": [
                {
                    "name": name,
                    "images": images[label],
                    "recall": recalls[label],
                    "precision": _percent(right[label], predicted[label]),
                }
                for label, name in enumerate(classes)
            ],
            "confusion": self.confusion.tolist(),
            "calibration": {
                "error": 100.0 * float((self.bins[:, 2] - self.bins[:, 1]).abs().sum()) / num,
                "bins": [
                    {
                        "above": 100.0 * number / BINS,
                        "up_to": 100.0 * (number + 1) / BINS,
                        "images": int(count),
                        "accuracy": _percent(hits, count),
                        "confidence": _percent(confidence, count),
                    }
                    for number, (count, hits, confidence) in enumerate(self.bins.tolist())
                ],
            },
        }


class Predictions:
    """Gathers what a network says of batch after batch, on the device, so that none has to wait for it."""

    def __init__(self) -> None:
        self._labels: list[Tensor] = []
        self._predicted: list[Tensor] = []
        self._confidence: list[Tensor] = []
        self._in_top: list[Tensor] = []
        self._num_classes = 0

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """logits [N, K]; labels int64 [N]. Of equal logits the first is predicted, as for the accuracy."""
        self._num_classes = logits.shape[1]
        predicted = logits.argmax(dim=1)
        self._labels.append(labels)
        self._predicted.append(predicted)
        self._confidence.append(logits.float().softmax(dim=1).gather(1, predicted[:, None])[:, 0])
        likeliest = logits.topk(min(TOP, self._num_classes), dim=1).indices
        self._in_top.append((likeliest == labels[:, None]).any(dim=1))

    def outcome(self) -> Outcome:
        labels, predicted, confidence, in_top = (
            torch.cat(parts).cpu()
            for parts in (self._labels, self._predicted, self._confidence, self._in_top)
        )
        num_classes, confidence = self._num_classes, confidence.double()
        pairs = torch.bincount(labels * num_classes + predicted, minlength=num_classes**2)
        rows = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
        values = torch.stack([torch.ones_like(confidence), (labels == predicted).double(), confidence], dim=1)
        wrong = (labels != predicted).nonzero()[:, 0]
        order = confidence[wrong].argsort(descending=True, stable=True)[:WORST]
        worst = wrong[order]
        return Outcome(
            confusion=pairs.view(num_classes, num_classes),
            top_5=int(in_top.sum()),
            bins=torch.zeros(BINS, 3, dtype=torch.float64).index_add_(0, rows, values),
            worst=torch.stack([worst, labels[worst], predicted[worst]], dim=1),
            sureness=confidence[worst],
        )


def _percent(part: float, whole: float) -> float | None:
    return 100.0 * part / whole if whole else None
