"""Training serves a task that classifies nothing: here it learns to tell a number by its square error."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nastk.data.batches import Batches
from nastk.engine.device import Engine
from nastk.engine.training import LossMeter, NonFiniteLoss
from nastk.schema import EngineConfig, StandaloneTrainConfig
from nastk.tasks.task import Measure
from nastk.tasks.training import Training


class Net(nn.Module):
    """One number for all images, which begins at 0."""

    num_drop_paths = 0

    def __init__(self):
        super().__init__()
        self.number = nn.Parameter(torch.zeros(()))

    def forward(self, images, masks=None):
        return self.number.expand(len(images))


class Numbers:
    """The labels are the numbers."""

    score = Measure("error", "min")

    def loss(self, forward, images, targets, masks):
        outputs = forward(images, masks)
        return F.mse_loss(outputs, targets.float()), outputs

    def mixed(self, images, targets):
        return images, targets

    def meter(self):
        return LossMeter()

    def test(self, network, batches, *, in_detail):
        meter = LossMeter()
        with torch.inference_mode():
            for images, targets in batches.epoch():
                meter.add(*self.loss(network, images, targets, None), targets)
        loss = meter.figures()["loss"]
        details = SimpleNamespace(state_dict=lambda: {"error": math.sqrt(loss)})
        return {"loss": loss, "error": math.sqrt(loss)}, details if in_detail else None

    def details(self, state):
        return SimpleNamespace(state_dict=lambda: state)


@pytest.fixture
def begin(random_images):
    images = random_images(12, num_classes=3)

    def begin(**settings):
        config = StandaloneTrainConfig(epochs=3, batch_size=4, drop_path=0.0, momentum=0.0, **settings)
        engine, batches = Engine(EngineConfig(device="cpu"), 0), Batches(images, 4)
        return Training(Net(), Numbers(), batches, Batches(images, 12), config, engine, validation=batches)

    return begin


def test_it_trains_and_resumes(begin):
    job = begin(lr=0.05)
    first = job.step()
    assert {"train_loss", "validation_error", "test_loss", "test_error"} < first.keys()
    assert "test_accuracy" not in first
    state = copy.deepcopy(job.state_dict())
    rest = [job.step(), job.step()]
    assert rest[-1]["test_error"] < first["test_error"]
    assert (job.score, job.score_best) == (rest[-1]["test_error"],) * 2  # the smallest
    assert job.best.figures() == {
        "epoch": 3,
        "loss": rest[-1]["validation_loss"],
        "error": rest[-1]["validation_error"],
        "test_error": job.score,
    }
    other = begin(lr=0.05)
    other.load_state_dict(state)
    assert [other.step(), other.step()] == rest
    assert other.outcome.state_dict() == {"error": job.score}


def test_the_best_score_is_the_smallest_where_less_is_better(begin):
    job = begin(lr=1e-9)
    errors = []
    for number in (9.0, 1.0, 5.0):
        job.network.number.data.fill_(number)
        errors.append(job.step()["test_error"])
    assert errors[1] < errors[2] < errors[0]
    assert (job.score, job.score_best) == (errors[2], errors[1])


def test_what_diverges_is_told(begin):
    job = begin(lr=0.1)
    job.network.number.data.fill_(math.nan)
    with pytest.raises(NonFiniteLoss):
        job.step()
