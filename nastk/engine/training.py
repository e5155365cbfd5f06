"""Training and testing a model over an epoch of batches. Legend: N batch, K classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.engine.device import Engine
from nastk.engine.optimizers import Optimizer
from nastk.engine.outcome import Predictions

CHECK_EVERY = 32  # steps between looks at the losses; each look waits for the device


class NonFiniteLoss(ValueError):
    """A loss was NaN or infinite: says at which step, with which learning rate, and what to try."""

    def __init__(self, step: int, lr: float) -> None:
        super().__init__(
            f"the loss was not finite at training step {step} (learning rate {lr:.3g}); "
            "try a smaller train.lr or train.grad_clip"
        )


@dataclass(frozen=True)
class Averages:
    """Means over the images of an epoch. loss: what was minimised, or cross-entropy, in nats; accuracy in %."""

    loss: float
    accuracy: float

    def figures(self) -> dict[str, float]:
        return asdict(self)


DIVERGED = Averages(loss=math.nan, accuracy=0.0)


class LossMeter:
    """Adds up losses on the device, so that no step has to wait for it."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []  # per batch, times its size
        self._num_images = 0
        self._num_looked_at = 0  # batches whose losses are known to be finite

    def add(self, loss: Tensor, _outputs: Any, targets: Any) -> None:
        """loss: the mean over the batch, of which there is a target an image."""
        self._losses.append(loss.detach() * len(targets))
        self._num_images += len(targets)

    def first_non_finite(self) -> int | None:
        """The number of the first batch whose loss was NaN or infinite, of those since the last look."""
        first = self._num_looked_at
        self._num_looked_at = len(self._losses)
        if first == self._num_looked_at:
            return None
        bad = ~torch.isfinite(torch.stack(self._losses[first:]))
        return first + int(bad.int().argmax()) if bool(bad.any()) else None

    def figures(self) -> dict[str, float]:
        return {"loss": float(torch.stack(self._losses).double().sum()) / self._num_images}


class Meter(LossMeter):
    """Adds up losses and hits of classifications."""

    def __init__(self) -> None:
        super().__init__()
        self._hits: list[Tensor] = []

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """outputs: logits [N, K]; targets: labels [N]."""
        super().add(loss, outputs, targets)
        self._hits.append((outputs.detach().argmax(dim=1) == targets).sum())

    def figures(self) -> dict[str, float]:
        return self.averages().figures()

    def averages(self) -> Averages:
        sums = torch.stack(self._losses).double().sum(), torch.stack(self._hits).sum().double()
        loss, hits = torch.stack(sums).tolist()  # both at once: each look waits for the device
        return Averages(loss / self._num_images, 100.0 * hits / self._num_images)


Batch = tuple[Tensor, Any]  # images [N, C, H, W], a target an image
Loss = Callable[[Tensor, Any], tuple[Tensor, Any]]  # images, targets -> loss, outputs


def train_epoch(
    loss_of: Loss,
    optimizer: Optimizer,
    batches: Iterable[Batch],
    engine: Engine,
    *,
    grad_clip: float,
    before_step: Callable[[Tensor, Tensor], None] | None = None,
    after_step: Callable[[], None] | None = None,
) -> Averages:
    """`train_batches` for a classification, by labels [N] and logits [N, K]."""
    meter = Meter()
    train_batches(
        loss_of,
        optimizer,
        batches,
        engine,
        meter,
        grad_clip=grad_clip,
        before_step=before_step,
        after_step=after_step,
    )
    return meter.averages()


def train_batches(
    loss_of: Loss,
    optimizer: Optimizer,
    batches: Iterable[Batch],
    engine: Engine,
    meter: LossMeter,
    *,
    grad_clip: float,
    before_step: Callable[[Tensor, Any], None] | None = None,
    after_step: Callable[[], None] | None = None,
) -> None:
    """One pass of optimiser steps over `batches`; gradients are clipped to a total norm.

    meter: adds up what the steps give. before_step is called with each batch, before the step on it; after_step
    behind each step.
    Raises NonFiniteLoss, and Stopped if the run is asked to stop and the epoch lasts.
    """
    step = -1
    for step, (images, targets) in enumerate(batches):
        engine.stop.at_batch()
        if before_step is not None:
            before_step(images, targets)
        optimizer.zero_grad()
        with engine.autocast():
            loss, outputs = loss_of(images, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(optimizer.parameters, grad_clip)
        optimizer.step()
        if after_step is not None:
            after_step()
        meter.add(loss, outputs, targets)
        if step % CHECK_EVERY == 0:
            _check_finite(meter, optimizer)
    assert step >= 0, "an epoch without batches"
    _check_finite(meter, optimizer)


def evaluate(
    logits_of: Callable[[Tensor], Tensor],
    batches: Iterable[Batch],
    engine: Engine,
    predictions: Predictions | None = None,
) -> Averages:
    """Mean cross-entropy and accuracy over `batches`. A loss that is not finite is returned as it is.

    predictions: gathers what was predicted.
    """
    meter = Meter()
    with torch.inference_mode():
        for images, labels in batches:
            engine.stop.at_batch()
            with engine.autocast():
                logits = logits_of(images)
            meter.add(F.cross_entropy(logits.float(), labels), logits, labels)
            if predictions is not None:
                predictions.add(logits, labels)
    return meter.averages()


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """The network in training mode; its buffers and its modes are put back afterwards."""
    buffers = [buffer.clone() for buffer in network.buffers()]
    modes = [(module, module.training) for module in network.modules()]
    network.train()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            torch._foreach_copy_(list(network.buffers()), buffers)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Set every weight as PyTorch's layers do by default, but from the run's own generator.

    Convolutions and linear layers: uniform in +-1/sqrt(fan in) (Kaiming uniform with a = sqrt(5)),
    biases too; batch norms keep weight 1 and bias 0.
    """
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether every entry of every floating-point tensor is finite."""
    flags = [torch.isfinite(tensor).all() for tensor in tensors if tensor.is_floating_point()]
    return not flags or bool(torch.stack(flags).all())


def _check_finite(meter: LossMeter, optimizer: Optimizer) -> None:
    bad = meter.first_non_finite()
    if bad is not None:
        assert math.isfinite(optimizer.lr)
        raise NonFiniteLoss(bad, optimizer.lr)
