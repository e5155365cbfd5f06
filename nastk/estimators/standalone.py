"""Stand-alone training: one network from scratch (or from given weights), tested after every epoch."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nastk import registry
from nastk.data.batches import Batches
from nastk.data.search_images import SearchImages
from nastk.engine import training
from nastk.engine.averaging import WeightAverage
from nastk.engine.device import Engine
from nastk.engine.memory import PLAIN, step_bytes
from nastk.engine.optimizers import SGD, Adam, Optimizer
from nastk.engine.outcome import Outcome, Predictions
from nastk.engine.schedules import linear, warmed_up
from nastk.engine.timing import seconds_of_a_pass
from nastk.engine.training import DIVERGED, Averages
from nastk.estimators.best_epoch import BestEpoch
from nastk.estimators.class_weights import balanced_weights
from nastk.estimators.mixing import Mixing
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.networks.drop_path import draw_masks
from nastk.networks.network import Network
from nastk.schema import StandaloneTrainConfig, SupernetConfig, TrainConfig


class StandaloneTraining:
    """An engine.job.Job that trains `network`; a step is an epoch.

    Recipe of DARTS's evaluation (arXiv 1806.09055, section 3.2): SGD with a cosine to lr_min, drop
    path growing linearly, an auxiliary head's loss added with its weight, gradients clipped. The
    accuracy that counts is the last epoch's: to choose the best one would be to look at test images. That can
    be done by validation images, where there are some, and by these alone is it ended early.
    AdamW, a warm-up, class weights, mixed images and an average of the weights are there if asked for.

    tested: the network that is tested and is the result: `network`, or the average of its weights.
    best: the best epoch by validation; None without validation images.
    outcome: what the last epoch's test says in detail; None until then.
    """

    def __init__(
        self, network: Network, train: Batches, test: Batches, config: StandaloneTrainConfig, engine: Engine, *,
        validation: Batches | None = None, compile: bool = False,
    ) -> None:  # fmt: skip
        if config.warmup_epochs >= config.epochs:
            raise ValueError(
                f"train.warmup_epochs: expected less than train.epochs ({config.epochs}), "
                f"found {config.warmup_epochs}"
            )
        if config.patience is not None and validation is None:
            raise ValueError(
                "train.patience needs validation images, of which the data set has none besides those that test; "
                "data.validation_portion=0.1 holds out some of the training images"
            )
        self.network = network
        self.average = WeightAverage(network, config.ema) if config.ema else None
        self.tested = self.average.network if self.average is not None else network
        if compile:
            network.compile_cells(partial(engine.compiled, batch_size=config.batch_size))
        self.best = BestEpoch(self.tested) if validation is not None else None
        self.train_batches, self.validation_batches, self.test_batches = train, validation, test
        self.config = config
        self.engine = engine
        self.mixing = None
        if config.mixup or config.cutmix:
            self.mixing = Mixing(config.mixup, config.cutmix, len(train.images.classes))
        self.optimizer = _optimizer(network, config)
        self.class_weights = None
        if config.class_weights == "balanced":
            images = train.images
            weights = balanced_weights(images.labels, len(images.classes))
            self.class_weights = weights.to(engine.device)
        self.num_steps = config.epochs
        self.epoch = 0
        self.test_accuracy = self.test_accuracy_best = 0.0
        self.outcome: Outcome | None = None

    @property
    def finished(self) -> bool:
        return self._ends_with(self.epoch)

    @property
    def stopped_early(self) -> bool:
        return self.finished and self.epoch < self.num_steps

    def _ends_with(self, epoch: int) -> bool:
        """Whether there is none after `epoch`, given the best one so far."""
        patience = self.config.patience
        impatient = self.best is not None and patience is not None and epoch - self.best.epoch >= patience
        return epoch == self.num_steps or impatient

    def step(self) -> dict[str, Any]:
        config = self.config
        lr = warmed_up(config.lr, config.lr_min, self.epoch, config.epochs, config.warmup_epochs)
        drop_path = linear(config.drop_path, self.epoch, config.epochs)
        self.optimizer.lr = lr
        self.network.train()
        streams = self.engine.streams
        train = training.train_epoch(
            lambda images, labels: self._loss(
                self.network, *self._mixed(images, labels), self._masks(images, drop_path)
            ),
            self.optimizer,
            self.train_batches.epoch(streams["shuffling"], streams["augmenting"]),
            self.engine,
            grad_clip=config.grad_clip,
            after_step=self._follow,
        )
        self.network.eval()
        epoch = self.epoch + 1
        validation = self._validated(epoch, lr)
        predictions = Predictions() if self._ends_with(epoch) else None
        test = self._evaluated(self.test_batches, lr, predictions)
        self.epoch = epoch
        if predictions is not None:
            self.outcome = predictions.outcome()
        if self.best is not None and self.best.epoch == epoch:
            self.best.test_accuracy = test.accuracy
        self.test_accuracy = test.accuracy
        self.test_accuracy_best = max(self.test_accuracy_best, test.accuracy)
        return {
            "phase": "train",
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
            **validation,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "lr": lr,
            "drop_path": drop_path,
        }

    def _validated(self, epoch: int, lr: float) -> dict[str, float]:
        """Loss and accuracy of the validation images, if there are some, after `epoch` has been trained."""
        if self.validation_batches is None or self.best is None:
            return {}
        found = self._evaluated(self.validation_batches, lr)
        self.best.offer(epoch, found, self.tested)
        return {"validation_loss": found.loss, "validation_accuracy": found.accuracy}

    def _evaluated(self, batches: Batches, lr: float, predictions: Predictions | None = None) -> Averages:
        found = training.evaluate(
            lambda images: self.tested(images)[0], batches.epoch(), self.engine, predictions
        )
        if not math.isfinite(found.loss):  # the last step of all diverged, after which no loss was taken
            raise training.NonFiniteLoss(len(self.train_batches), lr)
        return found

    def state_dict(self) -> dict[str, Any]:
        state = {
            "epoch": self.epoch,
            "test_accuracy": self.test_accuracy,
            "test_accuracy_best": self.test_accuracy_best,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        parts = {"average": self.average, "best": self.best, "outcome": self.outcome}
        return state | {name: part.state_dict() for name, part in parts.items() if part is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("epoch", "test_accuracy", "test_accuracy_best"):
            setattr(self, name, state[name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.best is not None:
            self.best.load_state_dict(state["best"])
        self.outcome = Outcome(**state["outcome"]) if self.finished else None

    def peak_memory(self) -> int:
        """Bytes of a training step (engine.memory says what counts)."""
        network = copy.deepcopy(self.network).train()

        def loss_of(images: Tensor, labels: Tensor) -> Tensor:
            with self.engine.autocast():
                return self._loss_apart(network, images, labels)

        copies = PLAIN + (self.config.optimizer == "adamw") + (self.average is not None)
        copies += self.best is not None
        return step_bytes(
            network, loss_of, self.train_batches.images.shape, self.train_batches.batch_size, copies=copies
        )

    def seconds(self) -> float:
        """All epochs, about: what a step takes on one batch, here and now. Testing is not in it."""
        network, streams = copy.deepcopy(self.network).train(), self.engine.apart().streams
        images, labels = next(self.train_batches.epoch(streams["shuffling"], streams["augmenting"]))
        one = seconds_of_a_pass(network, lambda: self._loss_apart(network, images, labels), self.engine)
        return one * len(self.train_batches) * self.num_steps

    def _loss_apart(self, network: Network, images: Tensor, labels: Tensor) -> Tensor:
        """The loss of a copy of the network, without anything that is drawn: masks that drop nothing."""
        masks = torch.ones(network.num_drop_paths, len(images), 1, 1, 1, device=images.device)
        return self._loss(network, images, labels, masks if self.config.drop_path else None)[0]

    def _mixed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What the loss is taken of: as they are, or with shares of classes float32 [N, K] for labels."""
        if self.mixing is None:
            return images, labels
        return self.mixing(images, labels, self.engine.streams["mixing"])

    def _follow(self) -> None:
        """The average of the weights, if there is one, follows a step."""
        if self.average is not None:
            self.average.update(self.network)

    def _masks(self, images: Tensor, drop_path: float) -> Tensor | None:
        """Masks for the network's branches, if any are to be dropped."""
        if not drop_path:
            return None
        dropping = self.engine.streams.on(self.engine.device, "drop_path")
        return draw_masks(self.network.num_drop_paths, len(images), drop_path, dropping)

    def _loss(
        self, forward: Callable[..., Any], images: Tensor, targets: Tensor, masks: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The training loss (weighted, label-smoothed, with the auxiliary head's share) and the logits [N, K].

        targets: labels [N], or shares of classes [N, K].
        """
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


def _optimizer(network: Network, config: StandaloneTrainConfig) -> Optimizer:
    parameters = network.parameters()
    if config.optimizer == "adamw":
        return Adam(parameters, lr=config.lr, weight_decay=config.weight_decay, decoupled=True)
    return SGD(parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay)


def train_on_halves(
    genotype: Genotype,
    images: SearchImages,
    engine: Engine,
    *,
    network: SupernetConfig,
    train: TrainConfig,
    epochs: int,
) -> StandaloneTraining:
    """The training of a genotype's network, in the size of its supernet, on the two halves of a search.

    It learns from the training half by the search's recipe, without drop path and auxiliary head, and is
    tested on the validation half, unaugmented; test images are not looked at.
    """
    net = registry.space_entry(genotype.space).load_network()(
        genotype,
        init_channels=network.init_channels,
        num_cells=network.num_cells,
        num_classes=len(images.classes),
        channels_in=images.shape[0],
        image_size=images.shape[1:],
    )
    training.initialise(net, engine.streams["initialisation"])
    config = StandaloneTrainConfig(
        epochs=epochs,
        batch_size=train.batch_size,
        lr=train.lr,
        lr_min=train.lr_min,
        momentum=train.momentum,
        weight_decay=train.weight_decay,
        grad_clip=train.grad_clip,
        drop_path=0.0,
    )
    validation = Batches(images.validation.images, images.validation.batch_size)
    return StandaloneTraining(engine.place(net), images.train, validation, config, engine)


def scored_epoch(job: StandaloneTraining) -> Score:
    """One more epoch of a training on a search's halves, and the validation loss after it; NaN if it diverged."""
    try:
        metrics = job.step()
        found = Averages(metrics["test_loss"], metrics["test_accuracy"])
    except training.NonFiniteLoss:
        found = DIVERGED
    return Score.of_validation(found, source="training alone", cost=job.epoch)


def score_alone(job: StandaloneTraining) -> Score:
    """The validation loss at the end of a training on a search's halves; not finite if it diverged."""
    score = scored_epoch(job)
    while score.finite and not job.finished:
        score = scored_epoch(job)
    return score
