import subprocess
import sys
from pathlib import Path

import pytest

from nastk.data.sources import load_images
from nastk.registry import TASKS
from nastk.schema import DataConfig


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("cifr10", "unknown data set 'cifr10'; did you mean 'cifar10'"),
        ("pictures", "unknown data set 'pictures'; known: cifar10, cifar100, digits"),
        ("no/such/place", "no/such/place does not exist"),
        ("set.npz", "set.npz does not exist"),
        (__file__, "is neither a directory of class folders nor a .csv, a .zip or an .npz file"),
        ("a\0b", "does not exist|unknown data set"),
        ("x" * 5000, "unknown data set"),
        ("", "has no folder train"),
    ],
)
def test_what_is_no_data_set(dataset, words, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=words) as caught:
        load_images(DataConfig(dataset=dataset), "train")
    assert "\n" not in str(caught.value)


def test_home_is_expanded(write_npz, monkeypatch):
    path = Path(write_npz())
    monkeypatch.setenv("HOME", str(path.parent))
    assert load_images(DataConfig(dataset="~/set.npz"), "train").num_images == 8


def test_tasks():
    assert {name: entry.load().dataset for name, entry in TASKS.items() if name in ("cifar10", "data")} == {
        "cifar10": "cifar10",
        "data": None,
    }
    for name in ("cifar10", "cifar100", "fashion-mnist", "data"):
        assert TASKS[name].load().name == name


def test_tasks_and_named_sets_import_without_torch():
    code = "import sys, nastk.tasks.named, nastk.data.named; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_digits_import_no_torchvision_and_no_scikit_learn():
    code = (
        "import sys; from nastk.schema import DataConfig; from nastk.data.sources import load_images;"
        "load_images(DataConfig(), 'train'); sys.exit(bool({'torchvision', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_benchmark_runs():
    script = Path(__file__).parents[2] / "benchmarks" / "data_path.py"
    done = subprocess.run([sys.executable, script, "--quick"], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["nastk", "DataLoader", "ratio"]
