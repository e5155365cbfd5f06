"""The training of one network, against values worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.training import Averages, NonFiniteLoss
from nastk.schema import EngineConfig, StandaloneTrainConfig
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training


class _Network(nn.Module):
    """Fixed logits for the classifier and the auxiliary head, and the masks it was given."""

    num_drop_paths = 5

    def __init__(self, auxiliary: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.with_auxiliary = auxiliary
        self.masks: list[Tensor | None] = []

    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        self.masks.append(masks)
        logits = torch.tensor([[2.0, 0.0, 0.0, 0.0]]).repeat(len(images), 1) + self.weight
        auxiliary = torch.tensor([[0.0, 1.0, 0.0, 0.0]]).repeat(len(images), 1) + self.weight
        return logits, auxiliary if self.with_auxiliary and self.training else None


class _Batches:
    images: Any = None  # whose classes the plain loss does not ask for

    def epoch(self, *_: Any) -> list[tuple[Tensor, Tensor]]:
        return [(torch.zeros(n, 1, 2, 2), torch.zeros(n, dtype=torch.long)) for n in (3, 2)]

    def __len__(self) -> int:
        return 2


def _training(
    batches: Any = None, *, network: Any = None, auxiliary: bool = False, **settings: Any
) -> Training:
    config = dataclasses.replace(StandaloneTrainConfig(epochs=4, lr=1e-6, drop_path=0.0), **settings)
    batches = batches or _Batches()
    network = network or _Network(auxiliary)
    engine = Engine(EngineConfig(device="cpu"), 0)
    task = Classification(batches.images, config, engine)
    return Training(network, task, batches, batches, config, engine)


MAIN = math.log(math.exp(2) + 3) - 2  # the cross-entropy of the right class
AUXILIARY = math.log(math.exp(1) + 3)


def test_cross_entropy():
    metrics = _training().step()
    assert metrics["train_loss"] == pytest.approx(MAIN, rel=1e-5)
    assert metrics["test_loss"] == pytest.approx(MAIN, rel=1e-5)
    assert metrics["train_accuracy"] == metrics["test_accuracy"] == 100.0


def test_what_diverges_in_the_last_step_is_told():
    """No training loss comes after it, only that of the test images."""
    training = _training()
    training.network.eval = lambda: training.network.weight.data.fill_(math.nan)
    with pytest.raises(NonFiniteLoss, match="not finite at training step 2"):
        training.step()


def test_label_smoothing():
    """With 0.2 over 4 classes: 0.85 of the right class and 0.05 of each other one; not when testing."""
    metrics = _training(label_smoothing=0.2).step()
    assert metrics["train_loss"] == pytest.approx(0.85 * MAIN + 3 * 0.05 * (MAIN + 2), rel=1e-5)
    assert metrics["test_loss"] == pytest.approx(MAIN, rel=1e-5)


def test_auxiliary_head():
    metrics = _training(auxiliary=True, auxiliary_weight=0.4).step()
    assert metrics["train_loss"] == pytest.approx(MAIN + 0.4 * AUXILIARY, rel=1e-5)
    assert metrics["test_loss"] == pytest.approx(MAIN, rel=1e-5)
    assert metrics["train_accuracy"] == 100.0  # of the classifier, not of the head


def test_auxiliary_head_with_label_smoothing():
    metrics = _training(auxiliary=True, auxiliary_weight=0.5, label_smoothing=0.4).step()
    main = 0.7 * MAIN + 0.3 * (MAIN + 2)
    auxiliary = 0.7 * AUXILIARY + 0.1 * (AUXILIARY - 1) + 0.2 * AUXILIARY
    assert metrics["train_loss"] == pytest.approx(main + 0.5 * auxiliary, rel=1e-5)


def test_drop_path():
    """0, 1/4, 2/4, 3/4 of the way; a mask for each path and image; none when testing."""
    job = _training(drop_path=0.4)
    assert [job.step()["drop_path"] for _ in range(4)] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    network: Any = job.network
    for epoch in range(4):
        masks = network.masks[4 * epoch : 4 * epoch + 4]  # two batches of training, two of testing
        assert masks[2:] == [None, None]
        if epoch == 0:
            assert masks[:2] == [None, None]
            continue
        assert [mask.shape for mask in masks[:2]] == [(5, 3, 1, 1, 1), (5, 2, 1, 1, 1)]
        keep = torch.tensor(1 / (1 - 0.1 * epoch))
        assert all(torch.isclose(mask, keep).logical_or(mask == 0).all() for mask in masks[:2])
    assert any((mask == 0).any() for mask in network.masks if mask is not None)


def test_schedule():
    job = _training(lr=0.1, lr_min=0.02)
    found = [job.step()["lr"] for _ in range(4)]
    half = 0.04 * math.sqrt(0.5)
    assert found == pytest.approx([0.1, 0.06 + half, 0.06, 0.06 - half])
    assert job.finished
    assert job.optimizer.lr == found[-1]


def test_schedule_with_a_warm_up():
    job = _training(lr=0.1, lr_min=0.02, warmup_epochs=1)
    assert [job.step()["lr"] for _ in range(4)] == pytest.approx([0.05, 0.1, 0.08, 0.04])
    with pytest.raises(
        ValueError, match=r"^train\.warmup_epochs: expected less than train\.epochs \(4\), found 4$"
    ):
        _training(warmup_epochs=4)


class _Unequal(_Batches):
    """One image of the first class and three of the second."""

    images = SimpleNamespace(labels=torch.tensor([0, 1, 1, 1]), classes=("a", "b", "c", "d"))

    def epoch(self, *_: Any) -> list[tuple[Tensor, Tensor]]:
        return [(torch.zeros(4, 1, 2, 2), self.images.labels)]


def test_class_weights():
    """Both classes weigh alike: the mean of the cross-entropies of the first and of the second."""
    batches: Any = _Unequal()
    metrics = _training(batches, class_weights="balanced", auxiliary=True, auxiliary_weight=0.5).step()
    auxiliary = AUXILIARY - 0.5  # of the head's logits 0 and 1
    assert metrics["train_loss"] == pytest.approx(MAIN + 1 + 0.5 * auxiliary, rel=1e-5)
    assert metrics["test_loss"] == pytest.approx(MAIN + 1.5, rel=1e-5)  # whatever the weights
    plain = _training(batches).step()
    assert plain["train_loss"] == pytest.approx(MAIN + 1.5, rel=1e-5)


def test_mixed_images():
    """For logits that do not depend on the image, the loss of mixed labels is on average that of the labels."""
    job = _training(_Unequal(), mixup=0.4, cutmix=1.0, auxiliary=True, auxiliary_weight=0.5)
    metrics = job.step()
    assert metrics["train_loss"] == pytest.approx(MAIN + 1.5 + 0.5 * (AUXILIARY - 0.75), rel=1e-5)
    assert "mixing" in job.engine.streams.state_dict()


class _Scaled(_Network):
    """Logits that grow with the weight, which begins at 0: 2 + 2 w of the right class."""

    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return torch.tensor([[2.0, 0.0, 0.0, 0.0]]).repeat(len(images), 1) * (1 + self.weight), None


def test_adamw():
    """Its first steps are of the learning rate, whatever the gradients; the decay is of the weight itself."""
    job = _training(network=_Scaled(False), optimizer="adamw", lr=0.01, weight_decay=0.5, grad_clip=1e-3)
    job.step()
    assert job.network.weight.item() == pytest.approx(0.01 * (1 - 0.01 * 0.5) + 0.01, abs=1e-5)
    assert [job.step()["lr"] for _ in range(3)] == pytest.approx(
        [0.01 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in (1, 2, 3)]
    )


def test_the_average_is_tested_and_is_the_result():
    job = _training(network=_Scaled(False), ema=0.9, lr=0.1)
    metrics = job.step()
    average, weight = job.tested.weight.item(), job.network.weight.item()
    assert 0 < average < weight
    assert metrics["test_loss"] == pytest.approx(math.log(math.exp(2 + 2 * average) + 3) - 2 - 2 * average)
    state = job.state_dict()["average"]
    assert (state["num_steps"], state["network"]["weight"].item()) == (2, average)


def test_best_and_last():
    """The best epoch is remembered and named as such; what counts is the last."""
    job = _training(epochs=3)
    accuracies = iter([50.0, 90.0, 70.0])
    evaluate = training.evaluate

    def accurate(*arguments: Any) -> Averages:
        return dataclasses.replace(evaluate(*arguments), accuracy=next(accuracies))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nastk.engine.training.evaluate", accurate)
        while not job.finished:
            job.step()
    assert (job.score, job.score_best) == (70.0, 90.0)
    assert job.state_dict()["score_best"] == 90.0


class _Told:
    """In place of the passes over validation and test images, in turn: losses of the former, `accuracies` of the
    latter."""

    def __init__(self, losses: list[float], accuracies: list[float]) -> None:
        self.averages = [
            averages
            for loss, accuracy in zip(losses, accuracies, strict=True)
            for averages in (Averages(loss, 50.0), Averages(1.0, accuracy))
        ]

    def __call__(self, logits_of: Any, batches: Any, engine: Any, predictions: Any) -> Averages:
        if predictions is not None:
            predictions.add(torch.zeros(1, 4), torch.tensor([0]))
        return self.averages.pop(0)


def _patient(losses: list[float], accuracies: list[float], **settings: Any) -> Training:
    """A training of as many epochs as there are losses, run to its end."""
    batches: Any = _Batches()
    config = StandaloneTrainConfig(epochs=len(losses), lr=0.1, drop_path=0.0, **settings)
    network: Any = _Scaled(False)
    engine = Engine(EngineConfig(device="cpu"), 0)
    task = Classification(batches.images, config, engine)
    job = Training(network, task, batches, batches, config, engine, validation=batches)
    weights = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nastk.engine.training.evaluate", _Told(losses, accuracies))
        while not job.finished:
            metrics = job.step()
            assert metrics["validation_loss"] == losses[job.epoch - 1]
            weights.append(job.tested.weight.item())
            assert (job.outcome is None) == (not job.finished)
    assert job.best is not None
    assert job.best.network.weight.item() == weights[job.best.epoch - 1]
    return job


@pytest.mark.parametrize(("patience", "epochs", "best"), [(None, 6, 6), (4, 6, 6), (3, 5, 2), (1, 3, 2)])
@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_patience(patience, epochs, best, ema):
    """An equal loss is no better one; accuracies on test images, which rise and fall, change nothing."""
    for accuracies in ([10.0, 20.0, 90.0, 30.0, 40.0, 50.0], [90.0, 20.0, 10.0, 5.0, 3.0, 1.0]):
        job = _patient([0.5, 0.4, 0.4, 0.6, 0.5, 0.3], accuracies, patience=patience, ema=ema)
        assert (job.epoch, job.best.epoch, job.stopped_early) == (epochs, best, epochs < 6)
        assert job.best.figures() == {
            "epoch": best, "loss": [0.4, 0.3][best == 6], "accuracy": 50.0, "test_accuracy": accuracies[best - 1],
        }  # fmt: skip
        assert (job.score, job.num_steps) == (accuracies[epochs - 1], 6)


def test_patience_needs_validation_images():
    with pytest.raises(
        ValueError, match=r"^train\.patience needs validation images, .* data\.validation_portion"
    ):
        _training(patience=2)


def test_validation_that_diverges_is_told():
    with pytest.raises(NonFiniteLoss):
        _patient([0.5, math.nan], [50.0, 50.0])


def test_functions_agree():
    """The hand-computed values above are PyTorch's."""
    logits, label = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([0])
    assert F.cross_entropy(logits, label).item() == pytest.approx(MAIN, rel=1e-6)
