"""Image classification as a task to transfer an architecture to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassificationTask:
    """dataset: the set's known name; None: the one that --dataset names."""

    name: str
    dataset: str | None


CIFAR10 = ClassificationTask("cifar10", "cifar10")
CIFAR100 = ClassificationTask("cifar100", "cifar100")
FASHION_MNIST = ClassificationTask("fashion-mnist", "fashion-mnist")
DATA = ClassificationTask("data", None)
