"""Training: the job that trains one network for a task, which it tests after every epoch."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nastk.data.batches import Batches
from nastk.engine import training
from nastk.engine.averaging import WeightAverage
from nastk.engine.device import Engine
from nastk.engine.memory import PLAIN, step_bytes
from nastk.engine.optimizers import SGD, Adam, Optimizer
from nastk.engine.schedules import linear, warmed_up
from nastk.engine.timing import seconds_of_a_pass
from nastk.networks.drop_path import draw_masks
from nastk.networks.network import Network
from nastk.schema import StandaloneTrainConfig
from nastk.tasks.best_epoch import BestEpoch
from nastk.tasks.task import Figures, Task


class Training:
    """An engine.job.Job that trains `network` for `task`; a step is an epoch.

    Recipe of DARTS's evaluation (arXiv 1806.09055, section 3.2): SGD with a cosine to lr_min, drop
    path growing linearly, gradients clipped. The score that counts is the last epoch's: to choose the best one
    would be to look at test images. That can be done by validation images, where there are some, and by these alone
    is it ended early. AdamW, a warm-up and an average of the weights are there if asked for.

    tested: the network that is tested and is the result: `network`, or the average of its weights.
    best: the best epoch by validation; None without validation images.
    score: what the task's measure says of the test images, last; score_best: at its best, by test images.
    outcome: what the last epoch's test says in detail; None until then.
    """

    def __init__(
        self, network: Network, task: Task, train: Batches, test: Batches, config: StandaloneTrainConfig,
        engine: Engine, *, validation: Batches | None = None, compile: bool = False,
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
        self.task = task
        self.average = WeightAverage(network, config.ema) if config.ema else None
        self.tested: Network = self.average.network if self.average is not None else network
        if compile:
            network.compile_cells(partial(engine.compiled, batch_size=config.batch_size))
        self.best = BestEpoch(self.tested) if validation is not None else None
        self.train_batches, self.validation_batches, self.test_batches = train, validation, test
        self.config = config
        self.engine = engine
        self.optimizer = _optimizer(network, config)
        self.num_steps = config.epochs
        self.epoch = 0
        self.score = self.score_best = 0.0  # before the first epoch
        self.outcome: Any | None = None

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
        trained = self._trained(drop_path)
        self.network.eval()
        epoch = self.epoch + 1
        validated = self._validated(epoch, lr)
        tested, outcome = self._tested(self.test_batches, lr, in_detail=self._ends_with(epoch))
        self.epoch, self.outcome = epoch, outcome
        measure = self.task.score
        self.score = tested[measure.name]
        if self.best is not None and self.best.epoch == epoch:
            self.best.test = {f"test_{measure.name}": self.score}
        self.score_best = self.score if epoch == 1 else measure.better(self.score_best, self.score)
        return {
            "phase": "train",
            **_named("train", trained),
            **_named("validation", validated),
            **_named("test", tested),
            "lr": lr,
            "drop_path": drop_path,
        }

    def _trained(self, drop_path: float) -> Figures:
        """The figures of an epoch of optimiser steps."""
        self.network.train()
        streams, meter = self.engine.streams, self.task.meter()
        training.train_batches(
            lambda images, targets: self.task.loss(
                self.network, *self.task.mixed(images, targets), self._masks(images, drop_path)
            ),
            self.optimizer,
            self.train_batches.epoch(streams["shuffling"], streams["augmenting"]),
            self.engine,
            meter,
            grad_clip=self.config.grad_clip,
            after_step=self._follow,
        )
        return meter.figures()

    def _validated(self, epoch: int, lr: float) -> Figures:
        """Figures of the validation images, if there are some, after `epoch` has been trained."""
        if self.validation_batches is None or self.best is None:
            return {}
        found, _ = self._tested(self.validation_batches, lr)
        self.best.offer(epoch, found, self.tested)
        return found

    def _tested(self, batches: Batches, lr: float, *, in_detail: bool = False) -> tuple[Figures, Any | None]:
        found, outcome = self.task.test(self.tested, batches, in_detail=in_detail)
        if not math.isfinite(found["loss"]):  # the last step of all diverged, after which no loss was taken
            raise training.NonFiniteLoss(len(self.train_batches), lr)
        return found, outcome

    def state_dict(self) -> dict[str, Any]:
        state = {
            "epoch": self.epoch,
            "score": self.score,
            "score_best": self.score_best,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        parts = {"average": self.average, "best": self.best, "outcome": self.outcome}
        return state | {name: part.state_dict() for name, part in parts.items() if part is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("epoch", "score", "score_best"):
            setattr(self, name, state[name])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        if self.best is not None:
            self.best.load_state_dict(state["best"])
        self.outcome = self.task.details(state["outcome"]) if self.finished else None

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
        images, targets = next(self.train_batches.epoch(streams["shuffling"], streams["augmenting"]))
        one = seconds_of_a_pass(network, lambda: self._loss_apart(network, images, targets), self.engine)
        return one * len(self.train_batches) * self.num_steps

    def _loss_apart(self, network: Network, images: Tensor, targets: Any) -> Tensor:
        """The loss of a copy of the network, without anything that is drawn: masks that drop nothing."""
        masks = torch.ones(network.num_drop_paths, len(images), 1, 1, 1, device=images.device)
        return self.task.loss(network, images, targets, masks if self.config.drop_path else None)[0]

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


def _named(part: str, figures: Figures) -> Figures:
    return {f"{part}_{name}": value for name, value in figures.items()}


def _optimizer(network: Network, config: StandaloneTrainConfig) -> Optimizer:
    parameters = network.parameters()
    if config.optimizer == "adamw":
        return Adam(parameters, lr=config.lr, weight_decay=config.weight_decay, decoupled=True)
    return SGD(parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
