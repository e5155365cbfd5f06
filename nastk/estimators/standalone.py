"""Stand-alone training: one network from scratch (or from given weights), tested after every epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nastk.config import StandaloneTrainConfig
from nastk.data.batches import Batches
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.schedules import cosine, linear
from nastk.networks.drop_path import draw_masks
from nastk.networks.network import CellNetwork


class StandaloneTraining:
    """An engine.drive.Job that trains `network`; a step is an epoch.

    Recipe of DARTS's evaluation (arXiv 1806.09055, section 3.2): SGD with a cosine to lr_min, drop
    path growing linearly, an auxiliary head's loss added with its weight, gradients clipped. The
    accuracy that counts is the last epoch's: the best epoch is chosen by looking at test images.
    """

    def __init__(
        self, network: CellNetwork, train: Batches, test: Batches, config: StandaloneTrainConfig, engine: Engine, *,
        compile: bool = False,
    ) -> None:  # fmt: skip
        self.network = network
        self.forward = torch.compile(network) if compile else network
        self.train_batches, self.test_batches = train, test
        self.config = config
        self.engine = engine
        self.optimizer = training.sgd(
            network.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
        self.num_steps = config.epochs
        self.epoch = 0
        self.test_accuracy = self.test_accuracy_best = 0.0

    @property
    def finished(self) -> bool:
        return self.epoch == self.num_steps

    def step(self) -> dict[str, Any]:
        config = self.config
        lr = cosine(config.lr, config.lr_min, self.epoch, config.epochs)
        drop_path = linear(config.drop_path, self.epoch, config.epochs)
        training.set_lr(self.optimizer, lr)
        self.network.train()
        streams = self.engine.streams
        train = training.train_epoch(
            lambda images, labels: self._loss(images, labels, drop_path),
            self.optimizer,
            self.train_batches.epoch(streams["shuffling"], streams["augmenting"]),
            self.engine,
            grad_clip=config.grad_clip,
        )
        self.network.eval()
        test = training.evaluate(
            lambda images: self.forward(images)[0], self.test_batches.epoch(), self.engine
        )
        self.epoch += 1
        self.test_accuracy = test.accuracy
        self.test_accuracy_best = max(self.test_accuracy_best, test.accuracy)
        return {
            "phase": "train",
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "lr": lr,
            "drop_path": drop_path,
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "test_accuracy": self.test_accuracy,
            "test_accuracy_best": self.test_accuracy_best,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ("epoch", "test_accuracy", "test_accuracy_best"):
            setattr(self, name, state[name])

    def _loss(self, images: Tensor, labels: Tensor, drop_path: float) -> tuple[Tensor, Tensor]:
        """The training loss (label-smoothed, with the auxiliary head's share) and the logits [N, K]."""
        masks = None
        if drop_path:
            dropping = self.engine.streams.on(self.engine.device, "drop_path")
            masks = draw_masks(self.network.num_drop_paths, len(images), drop_path, dropping)
        logits, auxiliary_logits = self.forward(images, masks)
        smoothing = self.config.label_smoothing
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if auxiliary_logits is not None:
            auxiliary = F.cross_entropy(auxiliary_logits, labels, label_smoothing=smoothing)
            loss = loss + self.config.auxiliary_weight * auxiliary
        return loss, logits
