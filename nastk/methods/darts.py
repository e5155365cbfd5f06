"""DARTS: architecture parameters and weights trained in turn, on two halves of the training images.

Source: Liu, Simonyan, Yang, DARTS: Differentiable Architecture Search (arXiv 1806.09055, algorithm 1).
search.order=2 differentiates through one virtual step of the weights (equations 6-8); order 1 takes
the weights as they are. Where nastk differs from the released code: architecture steps go through the
validation half in random order (the code draws batches with replacement), unaugmented unless
data.augment_validation is set; the split is shuffled and class-balanced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from nastk.engine.schedules import cosine
from nastk.engine.training import Averages
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.networks.supernet import Supernet
from nastk.schema import key
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.spaces.derivation import fair_strengths
from nastk.spaces.space import Derivable
from nastk.weight_sharing.memory import mixture_bytes
from nastk.weight_sharing.relaxation import Relaxation


@dataclass
class DARTSConfig:
    order: int = key(1, "1: first order; 2: through a virtual step of the weights", low=1, high=2)
    lr: float = key(3e-4, "learning rate of the architecture parameters", above=0)
    weight_decay: float = key(1e-3, "weight decay of the architecture parameters", low=0)


class DARTS(Search):
    """One mixed supernet; a step is an epoch."""

    Config: ClassVar[type] = DARTSConfig
    default_space = "darts"
    needs = (Derivable,)
    compiles = True

    def __init__(self, context: SearchContext) -> None:
        super().__init__(context)
        config = context.config
        assert isinstance(context.space, Derivable)
        self.space = context.space
        self.relaxation = Relaxation(
            context,
            context.mask,
            init_channels=config.network.init_channels,
            num_cells=config.network.num_cells,
            lr=config.search.lr,
            weight_decay=config.search.weight_decay,
            clip_alphas=False,
            allowance=self.allowance,
        )
        self.num_steps = config.train.epochs
        self.epoch = 0
        self.score: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        return self.epoch == self.num_steps

    def step(self) -> dict[str, Any]:
        train = self.context.config.train
        lr = cosine(train.lr, train.lr_min, self.epoch, train.epochs)
        found = self._train_epoch(lr)
        self.epoch += 1
        metrics = {"phase": "search", "train_loss": found.loss, "train_accuracy": found.accuracy, "lr": lr}
        if self.finished:
            validation = self.relaxation.validate()
            self.score = Score.of_validation(validation, source="mixture", cost=train.epochs).to_json()
            metrics |= {"loss": validation.loss, "accuracy": validation.accuracy}
        return metrics | self.space.figures(self._derive())

    def result(self) -> SearchResult:
        genotype, score = self._derive(), Score(**self.score)
        return SearchResult(genotype, score, [(genotype, score)])

    def peak_memory(self) -> int:
        config = self.context.config
        return mixture_bytes(
            self.context, self.context.mask, num_cells=config.network.num_cells, order=config.search.order
        )

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "score": self.score, "relaxation": self.relaxation.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.score = state["epoch"], state["score"]
        self.relaxation.load_state_dict(state["relaxation"])

    @property
    def cost(self) -> float:
        return self.num_steps * self.relaxation.cost_of_epoch(self.context.config.search.order)

    @property
    def supernet(self) -> Supernet:
        return self.relaxation.supernet

    def _train_epoch(self, lr: float) -> Averages:
        return self.relaxation.train_epoch(lr=lr, order=self.context.config.search.order)

    def _derive(self) -> Genotype:
        """By the space's rule; where that is beyond the limits, what gives up the least strength."""
        mask, strengths = self.context.mask, self.relaxation.strengths()
        derived = self.space.derive(mask, strengths)
        if self.allowance is None:
            return derived
        return self.allowance.keep(derived, fair_strengths(mask, strengths))
