"""One-shot: a weight-sharing supernet that prefers nothing, trained on paths drawn anew every step.

Sources: Li and Talwalkar, Random Search and Reproducibility for NAS (arXiv 1902.07638, section 4);
Few-Shot NAS (arXiv 2006.06863).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from nastk.data.search_images import SearchImages
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.optimizers import SGD
from nastk.engine.training import Averages
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.networks.gates import Gates, one_hot
from nastk.schema import SupernetConfig, TrainConfig
from nastk.spaces.mask import Mask
from nastk.spaces.space import Space, WithPaths
from nastk.weight_sharing.building import build_supernet


class OneShot:
    """The supernet of a space under a mask with one SGD optimiser."""

    def __init__(
        self,
        space: Space,
        mask: Mask,
        images: SearchImages,
        engine: Engine,
        *,
        network: SupernetConfig,
        train: TrainConfig,
    ) -> None:
        self.space = space
        self.images = images
        # In random order: the statistics of a batch of one class would fit no other.
        self.validation = images.validation.shuffled(images.validation.batch_size)
        self.engine = engine
        self.config = train
        self.supernet = build_supernet(
            space, mask, images, engine, init_channels=network.init_channels, num_cells=network.num_cells
        )
        self.optimizer = SGD(
            self.supernet.parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay
        )

    def train_epoch(self, draw: Callable[[], Gates], *, lr: float) -> Averages:
        """One epoch of weight steps, each on what `draw` gives. What a step does not use stays as it is."""
        self.optimizer.lr = lr
        self.supernet.train()
        streams = self.engine.streams

        def loss_of(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            logits = self.supernet(images, draw())
            return F.cross_entropy(logits, labels), logits

        return training.train_epoch(
            loss_of,
            self.optimizer,
            self.images.train.epoch(streams["shuffling"], streams["augmenting"]),
            self.engine,
            grad_clip=self.config.grad_clip,
        )

    def score(self, genotype: Genotype) -> Score:
        """The validation loss of the genotype with the shared weights and the batches' own statistics.

        The running statistics are a mixture of all paths' and fit none. The batches are the same ones for all.
        """
        assert isinstance(self.space, WithPaths)
        gates = one_hot(self.space.path(genotype), len(self.space.decisions))
        streams = self.engine.streams
        batches = self.validation.epoch(streams.fresh("scoring order"), streams["scoring"])
        with training.untouched(self.supernet):
            found = training.evaluate(lambda images: self.supernet(images, gates), batches, self.engine)
        return Score.of_validation(found, source="one-shot", cost=0.0)

    def state_dict(self) -> dict[str, Any]:
        return {"supernet": self.supernet.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.supernet.load_state_dict(state["supernet"])
        self.optimizer.load_state_dict(state["optimizer"])
