"""Evaluations whose training has everything on that is off by default, stopped and continued."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from command_lines import EVALUATE

from nastk.cli.progress import TerminalProgress
from nastk.networks import weights

EPOCHS = 3
RECIPE = [
    *("train.optimizer=adamw", "train.lr=0.005", "train.warmup_epochs=1", "train.class_weights=balanced"),
    *("train.ema=0.9", "data.augment=trivial", "train.mixup=0.2", "train.cutmix=1.0"),
]


def _stopping(after: int) -> object:
    """In place of a terminal's update: raises at its `after`-th call, as Ctrl-C would."""
    calls = iter(range(1, EPOCHS + 1))

    def update(*_: object) -> None:
        if next(calls) == after:
            raise KeyboardInterrupt

    return update


@pytest.mark.parametrize("recipe", [RECIPE])
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


def test_the_average_is_saved(nastk):
    assert nastk(*EVALUATE, "train.epochs=1", "train.ema=0.9", "--run-dir", "run").code == 0
    saved = weights.load(Path("run/weights.safetensors")).tensors
    job = torch.load("run/checkpoint.pt")["job"]
    assert all(torch.equal(saved[name], value) for name, value in job["average"]["network"].items())
    assert not torch.equal(saved["classifier.linear.weight"], job["network"]["classifier.linear.weight"])
