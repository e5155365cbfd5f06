"""Training and testing a model over an epoch of batches. Legend: N batch, K classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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


DIVERGED = Averages(loss=math.nan, accuracy=0.0)


class Meter:
    """Adds up losses and hits on the device, so that no step has to wait for it."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []  # per batch, times its size
        self._hits: list[Tensor] = []
        self._num_images = 0
        self._num_looked_at = 0  # batches whose losses are known to be finite

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """loss: the mean over the batch; logits [N, K]; labels [N]."""
        self._losses.append(loss.detach() * len(labels))
        self._hits.append((logits.detach().argmax(dim=1) == labels).sum())
        self._num_images += len(labels)

    def first_non_finite(self) -> int | None:
        """The number of the first batch whose loss was NaN or infinite, of those since the last look."""
        first = self._num_looked_at
        self._num_looked_at = len(self._losses)
        if first == self._num_looked_at:
            return None
        bad = ~torch.isfinite(torch.stack(self._losses[first:]))
        return first + int(bad.int().argmax()) if bool(bad.any()) else None

    def averages(self) -> Averages:
        sums = torch.stack(self._losses).double().sum(), torch.stack(self._hits).sum().double()
        loss, hits = torch.stack(sums).tolist()  # both at once: each look waits for the device
        return Averages(loss / self._num_images, 100.0 * hits / self._num_images)


Batch = tuple[Tensor, Tensor]  # images [N, C, H, W], labels [N]
Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # images, labels -> loss, logits [N, K]


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
    """One pass of optimiser steps over `batches`; gradients are clipped to a total norm.

    before_step is called with each batch, before the step on it; after_step behind each step.
    Raises NonFiniteLoss, and Stopped if the run is asked to stop and the epoch lasts.
    """
    meter = Meter()
    step = -1
    for step, (images, labels) in enumerate(batches):
        engine.stop.at_batch()
        if before_step is not None:
            before_step(images, labels)
        optimizer.zero_grad()
        with engine.autocast():
            loss, logits = loss_of(images, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(optimizer.parameters, grad_clip)
        optimizer.step()
        if after_step is not None:
            after_step()
        meter.add(loss, logits, labels)
        if step % CHECK_EVERY == 0:
            _check_finite(meter, optimizer)
    assert step >= 0, "an epoch without batches"
    _check_finite(meter, optimizer)
    return meter.averages()


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


def _check_finite(meter: Meter, optimizer: Optimizer) -> None:
    bad = meter.first_non_finite()
    if bad is not None:
        assert math.isfinite(optimizer.lr)
        raise NonFiniteLoss(bad, optimizer.lr)
