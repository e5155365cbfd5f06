"""Evaluations whose training has everything on that is off by default, stopped and continued."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import saved
import torch
from command_lines import EVALUATE

from nastk.cli.progress import TerminalProgress
from nastk.networks import weights
from nastk.workflows.records import TrainingRecord, open_record

EPOCHS = 3
RECIPE = [
    *("train.optimizer=adamw", "train.lr=0.005", "train.warmup_epochs=1", "train.class_weights=balanced"),
    *("train.ema=0.9", "data.augment=trivial", "train.mixup=0.2", "train.cutmix=1.0"),
]


def _stopping(after: int) -> object:
    """In place of a terminal's update: raises at its `after`-th call, as Ctrl-C would."""
    calls = iter(range(1, EPOCHS + 1))

    def update(*_: object, **__: object) -> None:
        if next(calls) == after:
            raise KeyboardInterrupt

    return update


@pytest.mark.parametrize("recipe", [[*RECIPE, "data.validation_portion=0.3"], ["data.augment=rand"]])
def test_stopped_in_every_epoch(recipe, nastk, result_of, monkeypatch):
    """Each sitting does two epochs and ends before the second one's checkpoint; the result is that of one sitting."""
    assert nastk(*EVALUATE, *recipe, "--run-dir", "whole").code == 0
    arguments = [*EVALUATE, *recipe, "--run-dir", "run"]
    for steps in range(1, EPOCHS):
        with monkeypatch.context() as patch:
            patch.setattr(TerminalProgress, "update", _stopping(2))
            assert nastk(*arguments).code == 130
        assert torch.load("run/checkpoint.pt")["step"] == steps
        arguments = ["evaluate", "--resume", "run"]
    assert nastk(*arguments).code == 0
    assert result_of(Path("run")) == result_of(Path("whole"))


def test_test_images_choose_nothing(nastk, write_npz):
    """With other test labels: the same epochs, the same weights, the same best ones; validation images choose."""
    words = [
        "train.epochs=6",
        "train.patience=1",
        "data.validation_portion=0.3",
        "data.max_train=20",
        "train.lr=1",
    ]
    found = []
    for name, changes in (("one", {}), ("two", {"y_test": 1 - np.arange(16) % 2})):
        data = write_npz(name, **changes)
        code, _, err = nastk(*EVALUATE, *words, "--dataset", data, "--preset", "quick", "--run-dir", name)
        assert code == 0, err
        assert "; validation: 4 of them (data.validation_portion); test: 16\n" in err
        run = open_record(Path(name))
        assert isinstance(run, TrainingRecord) and run.weights_best is not None
        best = run.summary["validation"]["best"]
        assert f"best by validation: epoch {best['epoch']}, " in err
        assert run.summary["validation"]["stopped_early"] and run.summary["steps"] < 6
        assert f"stopped early: no better validation loss after epoch {best['epoch']} " in err
        assert best["test_accuracy"] == run.metrics[best["epoch"] - 1]["test_accuracy"]
        figures = [
            {key: value for key, value in row.items() if key != "time_s" and not key.startswith("test_")}
            for row in run.metrics
        ]
        tensors = [weights.load(path).tensors for path in (run.weights, run.weights_best)]
        last, chosen = (part["classifier.linear.weight"] for part in tensors)
        assert not torch.equal(last, chosen)
        best_network = saved.read(Path(name, "checkpoint.pt"))["job"]["best"]["network"]
        assert torch.equal(chosen, best_network["classifier.linear.weight"])
        found.append((figures, tensors, best["epoch"], run.summary["test_accuracy"]))
    (one, before, epoch, accuracy), (two, after, other_epoch, other_accuracy) = found
    assert (one, epoch) == (two, other_epoch)
    assert accuracy != other_accuracy or accuracy == 50.0
    for first, second in zip(before, after, strict=True):
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_killed_between_an_early_stop_and_the_summary(nastk, write_npz, result_of):
    """The checkpoint knows that it has ended, and what the test said."""
    words = [
        "train.epochs=6",
        "train.patience=1",
        "data.validation_portion=0.3",
        "data.max_train=20",
        "train.lr=1",
    ]
    arguments = [*EVALUATE, *words, "--dataset", write_npz(), "--preset", "quick"]
    assert "stopped early: " in nastk(*arguments, "--run-dir", "run").err
    expected = result_of(Path("run"))
    for name in ("summary.json", "test.json", "weights_best.safetensors"):
        Path("run", name).unlink()
    assert nastk("evaluate", "--resume", "run").code == 0
    assert result_of(Path("run")) == expected


def test_own_validation_images(nastk, write_npz):
    """They validate unless they are told not to, and train nothing."""
    arrays = dict(np.load(write_npz()))
    data = write_npz("parts", x_val=arrays["x_test"][:6], y_val=arrays["y_test"][:6])
    arguments = [*EVALUATE, "--dataset", data, "--preset", "quick", "train.epochs=1"]
    err = nastk(*arguments, "--run-dir", "validated").err
    assert "data: 16 images of 2 classes (0, 1), 8x8 grey; validation: 6; test: 16\n" in err
    assert nastk(*arguments, "data.validation_portion=0", "--run-dir", "plain").code == 0
    one, two = (weights.load(Path(run, "weights.safetensors")).tensors for run in ("validated", "plain"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert Path("validated/weights_best.safetensors").exists()
    assert not Path("plain/weights_best.safetensors").exists()
    np.savez(data, **(dict(np.load(data)) | {"y_val": np.array([1, 1, 1, 0, 0, 0])}))
    Path("validated/summary.json").unlink()
    assert "validation images: " in nastk("evaluate", "--resume", "validated").err


def test_classes_of_one_image_and_of_few(nastk, write_npz):
    """A part cannot be held out of a single image; all else goes."""
    single = {
        "x_train": np.arange(9 * 64, dtype=np.uint8).reshape(9, 8, 8),
        "y_train": np.array([0] * 8 + [1]),
    }
    arguments = [*EVALUATE, *RECIPE, "--dataset", write_npz(**single), "--preset", "quick", "train.epochs=2"]
    code, out, err = nastk(*arguments, "--run-dir", "run")
    assert code == 0, err
    assert "classes are unequal: 8 training images of 0, 1 of 1; see the balanced accuracy" in err
    assert ", top-5" not in out and "\nbalanced accuracy " in out
    code, _, err = nastk(*arguments, "data.validation_portion=0.5", "--run-dir", "other")
    assert (code, err.splitlines()[-1]) == (
        2, "Error: class '1' has a single training image; splitting them needs at least 2",
    )  # fmt: skip
    err = nastk(*arguments, "train.patience=1", "--run-dir", "other").err
    assert err.splitlines()[-1].startswith("Error: train.patience needs validation images")


def test_trained_longer(nastk, monkeypatch, result_of):
    """A new run from the weights of a finished one: on its data, in its size, from where it ended."""
    small = ["data.max_train=40", "data.max_test=30", "train.epochs=1", "--preset", "quick"]
    assert nastk(*EVALUATE, *small, "--run-dir", "first").code == 0
    told = nastk("evaluate", "--resume", "first").err
    *_, command = told.rstrip("\n").partition("as a new run: ")
    assert command == "nastk evaluate --weights first/weights.safetensors"
    arguments = [*command.split()[1:], *small, "train.lr=1e-30", "train.weight_decay=0"]
    with monkeypatch.context() as patch:  # before its first checkpoint
        patch.setattr("nastk.engine.checkpoint.save", _stopping(1))
        assert nastk(*arguments, "--run-dir", "longer").code == 130
    code, _, err = nastk("evaluate", "--resume", "longer")
    assert code == 0, err
    before, after = (weights.load(Path(run, "weights.safetensors")) for run in ("first", "longer"))
    assert before.network == after.network and before.genotype == after.genotype
    for name, tensor in before.tensors.items():
        if "running_" not in name and "num_batches" not in name:
            assert torch.equal(tensor, after.tensors[name]), name
    code, _, err = nastk(*arguments, "--run-dir", "again")
    assert err.startswith("data set: digits (the weights were trained on it)\n")
    assert result_of(Path("again")) == result_of(Path("longer"))


def test_weights_that_do_not_say_all(nastk):
    assert nastk(*EVALUATE, "train.epochs=1", "--run-dir", "first").code == 0
    shutil.copy("first/weights.safetensors", "alone.safetensors")
    for words, message in (
        (
            ["--weights", "alone.safetensors"],
            "alone.safetensors lies in no run directory: --dataset must say",
        ),
        (
            ["--weights", "first/weights.safetensors", "--arch", "darts-v1"],
            "another cell than --arch darts-v1",
        ),
        ([], "--arch is missing"),
    ):
        code, out, err = nastk("evaluate", *words)
        assert (code, out) == (2, "") and message in err.splitlines()[-1]


def test_the_average_is_saved(nastk):
    assert nastk(*EVALUATE, "train.epochs=1", "train.ema=0.9", "--run-dir", "run").code == 0
    tensors = weights.load(Path("run/weights.safetensors")).tensors
    job = saved.read("run/checkpoint.pt")["job"]
    assert all(torch.equal(tensors[name], value) for name, value in job["average"]["network"].items())
    assert not torch.equal(tensors["classifier.linear.weight"], job["network"]["classifier.linear.weight"])
