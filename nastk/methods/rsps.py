"""RSPS: random search with parameter sharing.

Source: Li and Talwalkar, Random Search and Reproducibility for NAS (arXiv 1902.07638, section 4):
every training step takes an architecture drawn uniformly; then as many different architectures as
asked for are drawn and scored with the shared weights, and the best one is the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nastk.engine.memory import PLAIN
from nastk.engine.schedules import cosine
from nastk.estimators.score import Score, best_first
from nastk.genotype import Genotype
from nastk.networks.gates import Gates, one_hot
from nastk.networks.supernet import Supernet
from nastk.populations import encoding
from nastk.schema import key
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.spaces.space import Encodable, WithPaths
from nastk.weight_sharing.memory import path_bytes
from nastk.weight_sharing.one_shot import OneShot

TRIES = 20  # draws for each candidate asked for: a small space may hold fewer


@dataclass
class RSPSConfig:
    candidates: int = key(200, "different architectures that are scored at the end", low=1)


class RSPS(Search):
    """One supernet; a step is an epoch of training, then the scoring of one candidate."""

    Config = RSPSConfig
    default_space = "darts"
    needs = (Encodable, WithPaths)

    def __init__(self, context: SearchContext) -> None:
        super().__init__(context)
        config = context.config
        assert isinstance(context.space, Encodable)
        self.codec = context.space.codec(context.mask)
        self.one_shot = OneShot(
            context.space,
            context.mask,
            context.images,
            context.engine,
            network=config.network,
            train=config.train,
        )
        self.candidates = self._draw_candidates(config.search.candidates)
        self.num_steps = config.train.epochs + len(self.candidates)
        self.epoch = 0
        self.scores: list[dict[str, Any]] = []

    @property
    def finished(self) -> bool:
        return len(self.scores) == len(self.candidates)

    @property
    def cost(self) -> float:
        return float(self.context.config.train.epochs)

    @property
    def supernet(self) -> Supernet:
        return self.one_shot.supernet

    def step(self) -> dict[str, Any]:
        train = self.context.config.train
        if self.epoch < train.epochs:
            lr = cosine(train.lr, train.lr_min, self.epoch, train.epochs)
            found = self.one_shot.train_epoch(self._draw_gates, lr=lr)
            self.epoch += 1
            return {
                "phase": "train",
                "train_loss": found.loss,
                "train_accuracy": found.accuracy,
                "lr": lr,
            }
        score = self.one_shot.score(self.candidates[len(self.scores)])
        self.scores.append(score.to_json())
        if self.finished and not self._ranking()[0][1].finite:
            raise ValueError("no candidate has a finite loss; try a smaller train.lr")
        return {"phase": "score", **score.figures()}

    def result(self) -> SearchResult:
        ranking = self._ranking()
        return SearchResult(*ranking[0], ranking=ranking)

    def peak_memory(self) -> int | None:
        return path_bytes(self.context, self.supernet, drop_path=False, copies=PLAIN)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "scores": self.scores, "one_shot": self.one_shot.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.scores = state["epoch"], state["scores"]
        self.one_shot.load_state_dict(state["one_shot"])

    def _ranking(self) -> list[tuple[Genotype, Score]]:
        scores = [Score(**score) for score in self.scores]
        return [(self.candidates[position], scores[position]) for position in best_first(scores)]

    def _draw_gates(self) -> Gates:
        """Uniform over the choices of the encoding, the inputs of every node and the operations of every edge:
        also beyond the limits, because the weights are those of all.
        """
        position = encoding.draw(self.codec, 1, self.context.engine.streams["sampling"])[0]
        genotype = encoding.decode(self.codec, position)
        space = self.context.space
        assert isinstance(space, WithPaths)
        return one_hot(space.path(genotype), len(space.decisions))

    def _draw_candidates(self, num: int) -> list[Genotype]:
        """Different architectures within the limits, the same ones whenever the search is built anew."""
        generator = self.context.engine.streams.fresh("candidates")
        found: dict[Genotype, None] = {}
        for _ in range(TRIES * num):
            position = encoding.draw_within(self.codec, 1, generator, self.allowance)[0]
            found[encoding.decode(self.codec, position)] = None
            if len(found) == num:
                break
        return list(found)
