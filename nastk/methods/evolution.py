"""Regularised evolution: the oldest dies, the best of a sample has a child, a child differs by one mutation.

Source: Real, Aggarwal, Huang, Le, Regularized Evolution for Image Classifier Architecture Search
(arXiv 1802.01548, algorithm 1 and section 3.1). A mutation draws one value of the encoding anew.

Where nastk differs from the paper: any estimator scores. Where its scores of different moments cannot be
compared (shared weights move on), the sampled are scored anew before they are held against each other,
and the result is the best of the last population instead of the best ever.

Legend: P population, D dimensions of the encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nastk.engine.schedules import cosine, linear
from nastk.estimators.score import Score, best_first
from nastk.genotype import Genotype
from nastk.populations import encoding
from nastk.populations.estimator_search import EstimatorConfig, EstimatorSearch
from nastk.schema import key
from nastk.search_method import SearchContext

TRIES = 1000  # mutations of a parent before its child is its equal: a sub-space can be one architecture


@dataclass
class EvolutionConfig(EstimatorConfig):
    population: int = key(20, "individuals that are alive", low=2)
    sample_size: int = key(5, "individuals drawn, with replacement, of whom the best has a child", low=1)
    evaluations: int = key(1000, "individuals in all, the first population among them", low=2)


class Evolution(EstimatorSearch):
    """A population that ages; a step is one individual, and the last step the final selection."""

    Config = EvolutionConfig
    default_space = "relativenas"
    budget = ("search.evaluations",)

    def __init__(self, context: SearchContext) -> None:
        settings = context.config.search
        if settings.evaluations < settings.population:
            raise ValueError(
                f"search.evaluations: expected at least search.population ({settings.population}), "
                f"found {settings.evaluations}"
            )
        super().__init__(context)
        self.upper = encoding.upper(self.codec)  # [D]
        self.num_evaluations = settings.evaluations
        self.num_steps = self.num_evaluations + 1
        self.num_done = 0
        self.positions = torch.empty(0, len(self.upper), dtype=torch.float64)  # [P, D], the oldest first
        self.scores: list[dict[str, Any]] = []  # [P], each when the individual was born

    @property
    def finished(self) -> bool:
        return self.num_done == self.num_steps

    @property
    def cost(self) -> float:
        return float(self.num_evaluations * self.context.config.train.epochs)

    def step(self) -> dict[str, Any]:
        if self.num_done == self.num_evaluations:
            metrics = self.select_among([self._decode(position) for position in self.positions])
        else:
            metrics = self._add_one()
        self.num_done += 1
        return metrics

    def _add_one(self) -> dict[str, Any]:
        """Draw or breed an individual, train and score it; the oldest dies once the population is full."""
        config = self.context.config
        full = len(self.positions) == config.search.population
        position = self._mutate(self.positions[self._choose_parent()]) if full else self._draw()
        lr = cosine(config.train.lr, config.train.lr_min, self.num_done, self.num_evaluations)
        drop_path = linear(config.train.drop_path, self.num_done, self.num_evaluations)
        (score,) = self.train([self._decode(position)], lr=lr, drop_path=drop_path)
        self.positions = torch.cat([self.positions[full:], position[None]])
        self.scores = [*self.scores[full:], score.to_json()]
        return {
            "phase": "search",
            **score.figures(),
            "lr": lr,
            **self.estimator.figures(),
        }

    def _choose_parent(self) -> int:
        """The best of a sample, the first drawn of equals."""
        num, generator = self.context.config.search.sample_size, self.context.engine.streams["tournament"]
        sample: list[int] = torch.randint(len(self.positions), (num,), generator=generator).tolist()
        if self.estimator.comparable:
            scores = {member: Score(**self.scores[member]) for member in sample}
        else:
            scores = {
                member: self.estimator.score(self._decode(self.positions[member]))
                for member in dict.fromkeys(sample)  # once, however often it was drawn
            }
        return sample[best_first([scores[member] for member in sample])[0]]

    def _mutate(self, parent: Tensor) -> Tensor:
        """The parent's position [D] with one value drawn anew, so that the architecture is another one.

        It is within the limits, as the parent is.
        """
        generator = self.context.engine.streams["mutation"]
        genotype = self._decode(parent)
        for _ in range(TRIES):
            place = int(torch.randint(len(parent), (1,), generator=generator))
            child = parent.clone()
            child[place] = self.upper[place] * torch.rand(1, dtype=torch.float64, generator=generator)[0]
            found = self._decode(child)
            if found != genotype and (self.allowance is None or self.allowance.excess(found) == 0):
                return child
        return parent

    def _draw(self) -> Tensor:
        """A random position within the limits, [D]."""
        return encoding.draw_within(self.codec, 1, self.context.engine.streams["sampling"], self.allowance)[0]

    def _decode(self, position: Tensor) -> Genotype:
        return encoding.decode(self.codec, position)

    def state_dict(self) -> dict[str, Any]:
        return {
            "num_done": self.num_done,
            "positions": self.positions,
            "scores": self.scores,
            "ranking": self.ranking,
            "num_diverged": self.num_diverged,
            "estimator": self.estimator.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.estimator.load_state_dict(state["estimator"])
        for name in state.keys() - {"estimator"}:
            setattr(self, name, state[name])
