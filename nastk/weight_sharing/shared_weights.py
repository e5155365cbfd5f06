"""Shared weights: a supernet's weight set, trained one path at a time, scores architectures.

Source of training and merging: RelativeNAS (arXiv 2009.06193, section III-C) and its public code.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from nastk.data.search_images import SearchImages
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.optimizers import SGD
from nastk.engine.training import DIVERGED, Averages
from nastk.estimators.estimator import Estimator, NetworkInput
from nastk.estimators.score import Score, best_first
from nastk.genotype import Genotype
from nastk.networks.drop_path import draw_masks
from nastk.networks.gates import Gates, one_hot
from nastk.schema import SupernetConfig, TrainConfig
from nastk.spaces.mask import Mask
from nastk.spaces.space import WithPaths
from nastk.weight_sharing.building import build_supernet


class SharedWeights(Estimator):
    """The weight set W of a space's supernet under a mask; `train` moves it, `score` only reads it.

    A candidate is trained inside the one supernet: the tensors of its path are kept before and put
    back after, so that no network is ever built for a candidate.
    """

    comparable = False

    def __init__(
        self,
        space: WithPaths,
        mask: Mask,
        images: SearchImages,
        engine: Engine,
        *,
        network: SupernetConfig,
        train: TrainConfig,
    ) -> None:
        self.space = space
        self.supernet = build_supernet(
            space, mask, images, engine, init_channels=network.init_channels, num_cells=network.num_cells
        )
        self.images = images
        self.network_input = NetworkInput(images.shape, len(images.classes))
        self.engine = engine
        self.config = train
        self._tensors: dict[str, Tensor] = self.supernet.state_dict(keep_vars=True)
        self._values = {name: tensor.detach() for name, tensor in self._tensors.items()}  # the same numbers

    def train(self, genotypes: Sequence[Genotype], *, lr: float, drop_path: float) -> list[Score]:
        """Train a copy of each genotype's path from the same weights, score it, merge all into the weight set.

        Merging, the best copy having the last word: a tensor that several copies trained is the best
        one's; what only one copy trained is that one's; what none used stays. A copy whose score or
        weights are not finite is never merged.
        """
        scores, copies = [], []
        for genotype in genotypes:
            gates = self._gates(genotype)
            path = {name: self._tensors[name] for name in self.supernet.path_names(gates)}
            before = {name: tensor.detach().clone() for name, tensor in path.items()}
            scores.append(self._train_path(gates, list(path.values()), lr, drop_path))
            copies.append({name: tensor.detach().clone() for name, tensor in path.items()})
            self._write(before)
        for position in reversed(best_first(scores)):
            if scores[position].finite:
                self._write(copies[position])
        return scores

    def score(self, genotype: Genotype) -> Score:
        """The validation loss of the genotype with the weight set as it is."""
        return self._score(self._gates(genotype), cost=0.0)

    def state_dict(self) -> dict[str, Tensor]:
        return self._values

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.supernet.load_state_dict(state)

    def _gates(self, genotype: Genotype) -> Gates:
        return one_hot(self.space.path(genotype), len(self.space.decisions))

    def _train_path(self, gates: Gates, path: list[Tensor], lr: float, drop_path: float) -> Score:
        """Epochs of SGD with a fresh momentum on one path, then its score; not finite if it diverged."""
        self.supernet.train()
        num_drop_paths = self.supernet.num_drop_paths(gates)
        dropping = self.engine.streams.on(self.engine.device, "drop_path")

        def loss_of(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            masks = draw_masks(num_drop_paths, len(images), drop_path, dropping) if drop_path else None
            logits = self.supernet(images, gates, masks)
            return F.cross_entropy(logits, labels), logits

        # Operations outside the path are not in the optimiser: neither updated nor decayed.
        optimizer = SGD(
            [tensor for tensor in path if tensor.requires_grad],
            lr=lr,
            momentum=self.config.momentum,
            weight_decay=self.config.weight_decay,
        )
        cost = self.config.epochs
        try:
            for _ in range(self.config.epochs):
                batches = self.images.train.epoch(
                    self.engine.streams["shuffling"], self.engine.streams["augmenting"]
                )
                training.train_epoch(
                    loss_of, optimizer, batches, self.engine, grad_clip=self.config.grad_clip
                )
        except training.NonFiniteLoss:
            return self._as_score(DIVERGED, cost)
        if not training.all_finite(path):
            return self._as_score(DIVERGED, cost)
        return self._score(gates, cost)

    def _score(self, gates: Gates, cost: float) -> Score:
        self.supernet.eval()
        batches = self.images.validation.epoch(augmenting=self.engine.streams["validating"])
        found = training.evaluate(lambda images: self.supernet(images, gates), batches, self.engine)
        return self._as_score(found, cost)

    @staticmethod
    def _as_score(found: Averages, cost: float) -> Score:
        return Score.of_validation(found, source="shared weights", cost=cost)

    def _write(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._values[name].copy_(value)
