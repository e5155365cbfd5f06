"""Training steps and averages, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.optimizers import SGD
from nastk.schema import EngineConfig


@pytest.fixture
def engine():
    return Engine(EngineConfig(device="cpu"), 0)


def _batches(*sizes: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.ones(size, 1, 1, 1), torch.zeros(size, dtype=torch.long)) for size in sizes]


def test_averages_are_over_images():
    """A batch of 3 weighs three times one of 1: (3 x 1 + 1 x 5) / 4, and 2 + 0 of 4 right."""
    meter = training.Meter()
    right, wrong = [2.0, 1.0], [1.0, 2.0]
    meter.add(torch.tensor(1.0), torch.tensor([right, right, wrong]), torch.zeros(3, dtype=torch.long))
    meter.add(torch.tensor(5.0), torch.tensor([wrong]), torch.zeros(1, dtype=torch.long))
    assert meter.averages() == training.Averages(loss=2.0, accuracy=50.0)


def test_evaluate(engine):
    """Logits of equal value: the loss is log K, whatever the batches."""
    found = training.evaluate(lambda images: torch.zeros(len(images), 4), _batches(3, 2), engine)
    assert found.loss == pytest.approx(math.log(4), rel=1e-6)
    assert found.accuracy == 100.0  # the first of equals is class 0


def test_evaluate_returns_a_loss_that_is_not_finite(engine):
    found = training.evaluate(lambda images: torch.full((len(images), 2), math.inf), _batches(2), engine)
    assert math.isnan(found.loss)


def test_evaluate_leaves_no_gradients(engine):
    layer = nn.Linear(1, 2)
    training.evaluate(lambda images: layer(images.flatten(1)), _batches(2), engine)
    assert layer.weight.grad is None


def _steps(engine: Engine, gradient: float, *, clip: float, steps: int = 1, **settings: float) -> float:
    """Where a weight that starts at 1 is after steps with this gradient."""
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = SGD([weight], **({"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0} | settings))

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return gradient * weight.sum(), torch.zeros(len(images), 2)

    training.train_epoch(loss_of, optimizer, _batches(*[1] * steps), engine, grad_clip=clip)
    return weight.item()


def test_gradients_are_clipped(engine):
    assert _steps(engine, 3.0, clip=5.0) == pytest.approx(0.7)
    assert _steps(engine, 30.0, clip=5.0) == pytest.approx(0.5, abs=1e-5)
    assert _steps(engine, -30.0, clip=5.0) == pytest.approx(1.5, abs=1e-5)


def test_clipping_comes_before_weight_decay(engine):
    """The decay is the optimiser's: 1 - 0.1 (5 + 0.5 x 1)."""
    assert _steps(engine, 30.0, clip=5.0, weight_decay=0.5) == pytest.approx(0.45, abs=1e-5)


def test_momentum(engine):
    """1 - 0.1 (1 + (0.9 + 1) + (0.81 + 0.9 + 1))."""
    assert _steps(engine, 1.0, clip=5.0, steps=3, momentum=0.9) == pytest.approx(1 - 0.561)


def test_clipping_is_by_the_total_norm(engine):
    """Gradients 3 and 4 are of norm 5: clipped to 1 they are 0.6 and 0.8."""
    weights = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))]
    optimizer = SGD(weights, lr=1.0, momentum=0.0, weight_decay=0.0)

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (3 * weights[0] + 4 * weights[1]).sum(), torch.zeros(len(images), 2)

    training.train_epoch(loss_of, optimizer, _batches(1), engine, grad_clip=1.0)
    assert [weight.item() for weight in weights] == pytest.approx([-0.6, -0.8], abs=1e-5)


def test_gradients_do_not_add_up(engine):
    assert _steps(engine, 1.0, clip=5.0, steps=3) == pytest.approx(0.7)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [0, 1, 31, 32, 33, 39])
def test_loss_that_is_not_finite(engine, step, bad):
    """The first step at fault is named, however late it is noticed."""
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = SGD([weight], lr=0.025, momentum=0.0, weight_decay=0.0)
    calls = 0

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        nonlocal calls
        calls += 1
        value = bad if calls > step else 1.0
        return weight.sum() * value, torch.zeros(len(images), 2)

    with pytest.raises(training.NonFiniteLoss) as error:
        training.train_epoch(loss_of, optimizer, _batches(*[1] * 40), engine, grad_clip=5.0)
    assert str(error.value) == (
        f"the loss was not finite at training step {step} (learning rate 0.025); "
        "try a smaller train.lr or train.grad_clip"
    )
    assert isinstance(error.value, ValueError)


def test_initialise():
    """From the generator given alone; uniform within 1/sqrt(fan in), norms left alone."""

    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(8, 16, 5, groups=4), nn.BatchNorm2d(16), nn.Linear(16, 400))

    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        module = build()
        training.initialise(module, torch.Generator().manual_seed(7))
        found.append(module.state_dict())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    convolution, norm, linear = module
    assert isinstance(convolution, nn.Conv2d) and isinstance(linear, nn.Linear)
    assert isinstance(norm, nn.BatchNorm2d) and convolution.bias is not None
    for layer, fan_in in ((convolution, 2 * 25), (linear, 16)):
        bound = 1 / math.sqrt(fan_in)
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert convolution.bias.abs().max() <= 1 / math.sqrt(50)
    assert norm.weight.eq(1).all() and norm.bias.eq(0).all()


def test_all_finite():
    assert training.all_finite([])
    assert training.all_finite([torch.ones(3), torch.ones(2, dtype=torch.long)])
    assert not training.all_finite([torch.ones(3), torch.tensor([1.0, math.nan])])
    assert not training.all_finite([torch.tensor(math.inf)])


def test_device_and_precision():
    with pytest.raises(
        ValueError, match=r"engine\.precision: bf16 is for CUDA only; the CPU computes in fp32"
    ):
        Engine(EngineConfig(device="cpu", precision="bf16"), 0)
    engine = Engine(EngineConfig(device="cpu"), 0)
    with torch.autocast("cpu", torch.bfloat16):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
        with engine.full_precision():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert engine.describe() == "cpu, 1 thread"
