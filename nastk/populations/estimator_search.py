"""Searches that ask an estimator about architectures: whom they ask, and how they end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nastk.estimators.estimator import Estimator, NetworkInput
from nastk.estimators.score import Score, best_first, from_rows, to_rows
from nastk.genotype import Genotype
from nastk.networks.supernet import Supernet
from nastk.schema import DropPathTrainConfig, key
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.spaces.space import Encodable, WithPaths
from nastk.weight_sharing.memory import PAIR, path_bytes
from nastk.weight_sharing.shared_weights import SharedWeights


@dataclass
class EstimatorConfig:
    estimator: str = key(
        "shared-weights",
        "whose scores decide: of weights trained here, or of a published table",
        choices=("shared-weights", "table"),
    )
    table: str | None = key(None, "the table, an .npz file, for search.estimator=table", path=True)
    column: str | None = key(None, "the table's column to choose by; null: its validation column")


class EstimatorSearch(Search):
    """Trains and scores genotypes by its estimator, and ends with a selection among them."""

    Config = EstimatorConfig
    TrainConfig = DropPathTrainConfig
    needs = (Encodable,)

    def __init__(self, context: SearchContext) -> None:
        super().__init__(context)
        assert isinstance(context.space, Encodable)
        self.codec = context.space.codec(context.mask)
        self.estimator = build_estimator(context)
        self.ranking: list[dict[str, Any]] = []
        self.num_diverged = 0.0  # of those trained first, before one that did not; -inf behind it

    @property
    def supernet(self) -> Supernet | None:
        return getattr(self.estimator, "supernet", None)

    @property
    def network_input(self) -> NetworkInput | None:
        return self.estimator.network_input

    def notes(self) -> list[str]:
        return self.estimator.notes()

    def peak_memory(self) -> int | None:
        if self.supernet is None:  # nothing is trained
            return None
        drop_path = self.context.config.train.drop_path > 0
        return path_bytes(self.context, self.supernet, drop_path=drop_path, copies=PAIR)

    def train(self, genotypes: Sequence[Genotype], *, lr: float, drop_path: float) -> list[Score]:
        """The estimator's; ValueError once as many as a population are trained and none has a finite score."""
        scores = self._rated(genotypes, self.estimator.train(genotypes, lr=lr, drop_path=drop_path))
        self.num_diverged += len(scores)
        if any(score.finite for score in scores):
            self.num_diverged = -math.inf
        elif self.num_diverged >= self.context.config.search.population:
            raise ValueError("no candidate has a finite score; try a smaller train.lr or train.grad_clip")
        return scores

    def select_among(
        self, population: Sequence[Genotype], trained: Sequence[Score | None] | None = None
    ) -> dict[str, Any]:
        """Rank the last population by `last_trained_first`; the best wins. Returns the metrics of the step.

        trained: the score of each when it was last trained, None for those that have moved since; without it
        the scores decide that the estimator gives now. Where scores are comparable, when does not matter, and
        all that were ever scored take part.
        """
        genotypes = self.estimator.finalists(population)
        final = self._rated(genotypes, [self.estimator.score(genotype) for genotype in genotypes])
        order, scores = best_first(final), final
        beside = [dict[str, Any]() for _ in final]
        if trained is not None and not self.estimator.comparable:
            order, scores = last_trained_first(trained, final)
            beside = [
                {"trained_score": one and one.to_json(), "final_score": other.to_json()}
                for one, other in zip(trained, final, strict=True)
            ]
        best = order[0]
        if not scores[best].finite or scores[best].excess:
            within = " within the limits" if self.allowance else ""
            raise ValueError(
                f"no candidate of the last population{within} has a finite loss; try a smaller train.lr"
            )
        self.ranking = to_rows((genotypes[place], scores[place], beside[place]) for place in order)
        return {
            "phase": "select",
            "best": best,
            **scores[best].figures(),
            **self.estimator.figures(),
        }

    def _rated(self, genotypes: Sequence[Genotype], scores: Sequence[Score]) -> list[Score]:
        """The scores with what the genotypes' networks are beyond the limits."""
        if self.allowance is None:
            return list(scores)
        return [
            replace(score, excess=self.allowance.excess(genotype))
            for genotype, score in zip(genotypes, scores, strict=True)
        ]

    def result(self) -> SearchResult:
        ranking = from_rows(self.ranking)
        best, score = ranking[0]
        return SearchResult(
            best,
            score,
            ranking,
            beside=[row.get("beside", {}) for row in self.ranking],
            details=self.estimator.details(best),
            remarks=self.estimator.remarks(best),
        )


def last_trained_first(
    trained: Sequence[Score | None], final: Sequence[Score]
) -> tuple[list[int], list[Score]]:
    """The places of a last population, best first, and the score that each stands by.

    Of those that have not moved since they were last trained it is the score of that training. Behind them
    come those that have (None in `trained`), by `final`: of each with the shared weights as they are in the
    end, which fit those best that trained them last. `final` ranks all if no training gave a finite score.
    What is beyond the limits comes behind all that is not.
    """
    stays = [one is not None and one.finite for one in trained]
    if not any(stays):
        return best_first(final), list(final)
    scores = [other if one is None else one for one, other in zip(trained, final, strict=True)]
    return sorted(best_first(scores), key=lambda place: (scores[place].excess, not stays[place])), scores


def build_estimator(context: SearchContext) -> Estimator:
    """The estimator that the settings ask for; only shared weights ask the context for images."""
    config, settings = context.config, context.config.search
    if settings.estimator == "table":
        if settings.table is None:
            raise ValueError("search.table: the table is missing: search.table=FILE.npz")
        from nastk.estimators.table_scores import TableScores

        return TableScores(Path(settings.table), context.space.name, config.data.dataset, settings.column)
    for name in ("table", "column"):
        if getattr(settings, name) is not None:
            raise ValueError(f"search.{name}: is for search.estimator=table, not {settings.estimator}")
    images = context.images  # of a space that has no networks, this says so
    assert isinstance(context.space, WithPaths)
    return SharedWeights(
        context.space,
        context.mask,
        images,
        context.engine,
        network=config.network,
        train=config.train,
    )
