"""What the columns of the published tables are: which metric, better which way, on which images.

A table's column is never guessed at: what is called validation in one copy of a table is test accuracy
in another, and a search that chooses by test accuracy is an oracle, not a search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A metric, better as `direction` says ("min" or "max"), measured on `split`.

    split: "validation", "test", "none" (no images were needed), or "unstated" (its authors do not say).
    """

    metric: str
    direction: str
    split: str


@dataclass(frozen=True)
class Part:
    """The part of a table that is about one space.

    archs: the name of the array of architecture strings [n].
    columns: column -> data set -> what it is; its array is [n, data sets], or [n] if it is of one alone.
    validation: the column that searches choose by. report: the test column that is told of their results.
    """

    space: str
    archs: str
    columns: Mapping[str, Mapping[str, Quantity]]
    validation: str
    report: str | None = None


@dataclass(frozen=True)
class Kind:
    """One of the published tables.

    datasets: the name of the array that names its data sets. metrics: of the one that names the metric of
    each, which must be the one that the columns are declared with.
    """

    name: str
    datasets: str
    parts: tuple[Part, ...]
    metrics: str | None = None


PERCENTAGES = ("accuracy", "valid_top1", "valid_acc")  # metrics that are accuracies in %

# Data set -> (image shape [C, H, W], classes), where nastk has the networks that a table is about.
NETWORK_INPUTS = {
    "cifar10": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "ImageNet16-120": ((3, 16, 16), 120),
}

_IMAGE_SETS = tuple(NETWORK_INPUTS)
_TEST = Quantity("accuracy", "max", "test")
_VALIDATION = Quantity("accuracy", "max", "validation")
_SUPERNET = Quantity("accuracy", "max", "unstated")
_ZEN = Quantity("zen_score", "max", "none")


def _of_each(quantity: Quantity, datasets: tuple[str, ...]) -> dict[str, Quantity]:
    return dict.fromkeys(datasets, quantity)


# Sizes count as what they are used as here, the simplest guess at accuracy: larger is better.
NASBENCH201 = Kind(
    "NAS-Bench-201",
    datasets="datasets",
    parts=(
        Part(
            "nasbench201",
            archs="arch_str",
            columns={
                "val_acc_12": _of_each(_VALIDATION, _IMAGE_SETS),
                "test_acc_12": _of_each(_TEST, _IMAGE_SETS),
                "test_acc_200": _of_each(_TEST, _IMAGE_SETS),
                # Sold as validation accuracy in some tables: one seed's test accuracy.
                "test_acc_200_seed888": _of_each(_TEST, _IMAGE_SETS),
                "supernet_oneshot_acc": {"cifar10": _SUPERNET},
                "supernet_fewshot_acc": {"cifar10": _SUPERNET},
                # The truth that those two were published with.
                "supernet_ref_acc": {"cifar10": _TEST},
                "zen_score": _of_each(_ZEN, _IMAGE_SETS),
                "params_M": _of_each(Quantity("params_M", "max", "none"), _IMAGE_SETS),
                "flops_M": _of_each(Quantity("flops_M", "max", "none"), _IMAGE_SETS),
            },
            validation="val_acc_12",
            report="test_acc_200",
        ),
    ),
)

_TASK_METRICS = {
    "class_scene": "valid_top1",
    "class_object": "valid_top1",
    "room_layout": "valid_neg_loss",  # a negative loss: higher is better
    "jigsaw": "valid_top1",
    "segmentsemantic": "valid_acc",  # of pixels, not mIoU
    "normal": "valid_ssim",
    "autoencoder": "valid_ssim",
}


def _transnas_part(scale: str) -> Part:
    return Part(
        f"transnas-{scale}",
        archs=f"{scale}_arch",
        columns={
            f"{scale}_val": {
                task: Quantity(metric, "max", "validation") for task, metric in _TASK_METRICS.items()
            },
            f"{scale}_zen": _of_each(_ZEN, tuple(_TASK_METRICS)),
        },
        validation=f"{scale}_val",
    )


TRANSNAS101 = Kind(
    "TransNAS-Bench-101",
    datasets="tasks",
    parts=(_transnas_part("micro"), _transnas_part("macro")),
    metrics="metrics",
)

KINDS = (NASBENCH201, TRANSNAS101)
