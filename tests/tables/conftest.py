"""Small tables of both kinds, made up."""

import numpy as np
import pytest

from nastk.spaces.nasbench201 import NASBENCH201
from nastk.tables.kinds import TRANSNAS101

ARCHS = tuple(NASBENCH201.genotype((op, 1, 1, op, 1, 1)).body for op in range(5))


@pytest.fixture
def write_table(tmp_path):
    """Writes table.npz of five architectures of NAS-Bench-201; an array of None is left out."""

    def write(**changes):
        values = np.arange(15, dtype=np.float64).reshape(5, 3)
        arrays = {
            "arch_str": np.array(ARCHS),
            "datasets": np.array(["cifar10", "cifar100", "ImageNet16-120"]),
            "val_acc_12": values,
            "test_acc_200": values[::-1] * 2,
            "supernet_oneshot_acc": values[:, 0],
        }
        path = tmp_path / "table.npz"
        np.savez(path, **{name: array for name, array in (arrays | changes).items() if array is not None})
        return path

    return write


@pytest.fixture
def write_transnas(tmp_path):
    """Writes transnas.npz of two micro and one macro architecture."""

    def write(**changes):
        metrics = {task: of.metric for task, of in TRANSNAS101.parts[0].columns["micro_val"].items()}
        arrays = {
            "tasks": np.array(list(metrics)),
            "metrics": np.array(list(metrics.values())),
            "micro_arch": np.array(["64-41414-0_00_000", "64-41414-1_00_000"]),
            "micro_val": np.arange(14.0).reshape(2, 7),
            "macro_arch": np.array(["64-1123-basic"]),
            "macro_val": np.arange(7.0).reshape(1, 7),
        }
        path = tmp_path / "transnas.npz"
        np.savez(path, **(arrays | changes))
        return path

    return write
