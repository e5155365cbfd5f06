"""Classification: one class an image. Legend: N batch, K classes."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from nastk.data.batches import Batches
from nastk.data.images import ImageSet
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.outcome import Outcome, Predictions
from nastk.engine.training import Meter
from nastk.schema import StandaloneTrainConfig
from nastk.tasks.class_weights import balanced_weights
from nastk.tasks.mixing import Mixing
from nastk.tasks.task import Figures, Forward, Measure


class Classification:
    """A tasks.task.Task: cross-entropy, by labels [N] or shares of classes [N, K], and accuracy in %.

    The loss can be label-smoothed and weighted by classes, and has the auxiliary head's share, if there is such a
    head; images of a batch can be mixed.
    """

    score = Measure("accuracy", "max")

    def __init__(self, images: ImageSet, config: StandaloneTrainConfig, engine: Engine) -> None:
        """images: those that are trained on."""
        self.config = config
        self.engine = engine
        self.mixing = None
        if config.mixup or config.cutmix:
            self.mixing = Mixing(config.mixup, config.cutmix, len(images.classes))
        self.class_weights = None
        if config.class_weights == "balanced":
            self.class_weights = balanced_weights(images.labels, len(images.classes)).to(engine.device)

    def loss(
        self, forward: Forward, images: Tensor, targets: Tensor, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The loss and the logits [N, K]."""
        logits, auxiliary_logits = forward(images, masks)
        cross_entropy = partial(
            F.cross_entropy,
            target=targets,
            weight=self.class_weights,
            label_smoothing=self.config.label_smoothing,
        )
        loss = cross_entropy(logits)
        if auxiliary_logits is not None:
            loss = loss + self.config.auxiliary_weight * cross_entropy(auxiliary_logits)
        return loss, logits

    def mixed(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.mixing is None:
            return images, targets
        return self.mixing(images, targets, self.engine.streams["mixing"])

    def meter(self) -> Meter:
        return Meter()

    def test(
        self, network: nn.Module, batches: Batches, *, in_detail: bool
    ) -> tuple[Figures, Outcome | None]:
        predictions = Predictions() if in_detail else None
        found = training.evaluate(
            lambda images: network(images)[0], batches.epoch(), self.engine, predictions
        )
        return found.figures(), None if predictions is None else predictions.outcome()

    def details(self, state: dict[str, Any]) -> Outcome:
        return Outcome(**state)
