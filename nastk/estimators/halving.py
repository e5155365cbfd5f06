"""Successive halving: several architectures trained alone, of which the worse half is left out again and again.

Source: Jamieson and Talwalkar (arXiv 1502.07943); few-shot search chooses among its leaves so (arXiv
2203.15207, there by test images, here by the validation half).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.estimators.score import Score, best_first
from nastk.estimators.standalone import scored_epoch, train_on_halves
from nastk.genotype import Genotype
from nastk.schema import SupernetConfig, TrainConfig


class SuccessiveHalving:
    """Trains `genotypes` from scratch; after every entry of `rungs` (epochs, ascending) half of them stay.

    A step is an epoch of one of those left; it ends when one is left. What diverges is left out.
    """

    def __init__(
        self,
        genotypes: Sequence[Genotype],
        rungs: Sequence[int],
        images: SearchImages,
        engine: Engine,
        *,
        network: SupernetConfig,
        train: TrainConfig,
    ) -> None:
        self.rungs = list(rungs)
        self.left = list(range(len(genotypes)))
        self.rung = 0
        self.turn = 0  # who of those left is trained now
        self.found: list[dict[str, Any] | None] = [None] * len(genotypes)  # the last epoch's score
        self.trainings = [
            train_on_halves(genotype, images, engine, network=network, train=train, epochs=self.rungs[-1])
            for genotype in genotypes
        ]

    @property
    def finished(self) -> bool:
        return self.rung == len(self.rungs) or len(self.left) == 1

    def step(self) -> dict[str, Any]:
        member = self.left[self.turn]
        job = self.trainings[member]
        score = scored_epoch(job)
        self.found[member] = score.to_json()
        if not score.finite or job.epoch == self.rungs[self.rung]:  # what has diverged is not trained on
            self.turn += 1
            if self.turn == len(self.left):
                self._halve()
        return {"phase": "choose", "member": member, "loss": score.value, "accuracy": score.accuracy}

    def scores(self) -> list[Score]:
        """The validation loss of each genotype after its last epoch."""
        return [Score(**(score or {})) for score in self.found]

    def order(self) -> list[int]:
        """The genotypes' positions: who stayed longest first, of these the best first."""
        ranked = best_first(self.scores())
        return sorted(ranked, key=lambda member: (member not in self.left, -self.trainings[member].epoch))

    def _halve(self) -> None:
        left = set(self.left)
        order = [member for member in best_first(self.scores()) if member in left]
        self.rung, self.turn = self.rung + 1, 0
        if self.rung < len(self.rungs):
            self.left = sorted(order[: half_of(len(order))])

    def state_dict(self) -> dict[str, Any]:
        return {
            "left": self.left,
            "rung": self.rung,
            "turn": self.turn,
            "found": self.found,
            "trainings": [job.state_dict() for job in self.trainings],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in ("left", "rung", "turn", "found"):
            setattr(self, name, state[name])
        for job, job_state in zip(self.trainings, state["trainings"], strict=True):
            job.load_state_dict(job_state)


def half_of(num: int) -> int:
    """How many of `num` stay."""
    return -(-num // 2)


def num_epochs(num: int, rungs: Sequence[int]) -> int:
    """The epochs, of all together, that `num` genotypes are trained."""
    total = before = 0
    for rung in rungs:
        if num == 1:
            break
        total += num * (rung - before)
        before, num = rung, half_of(num)
    return total
