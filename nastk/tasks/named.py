"""The tasks that `nastk transfer` knows by name, without what trains for them: nothing here loads torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedTask:
    """dataset: the set's known name; None: the one that --dataset names."""

    name: str
    dataset: str | None


CIFAR10 = NamedTask("cifar10", "cifar10")
CIFAR100 = NamedTask("cifar100", "cifar100")
FASHION_MNIST = NamedTask("fashion-mnist", "fashion-mnist")
DATA = NamedTask("data", None)
