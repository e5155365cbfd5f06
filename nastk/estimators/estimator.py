"""What a search asks about architectures, whoever knows the answer: shared weights or a published table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from nastk.estimators.score import Score
from nastk.genotype import Genotype


class NetworkInput(NamedTuple):
    """What a network is built for."""

    image_shape: tuple[int, int, int]  # C, H, W
    num_classes: int


class Estimator(Protocol):
    """Genotypes -> scores, in a state that a checkpoint can hold.

    comparable: scores of different moments may be held against each other. A table's may; shared weights
        move on between them.
    network_input: of the networks whose scores these are; None if nastk has no such networks.
    """

    comparable: bool
    network_input: NetworkInput | None

    def train(self, genotypes: Sequence[Genotype], *, lr: float, drop_path: float) -> list[Score]:
        """Learn what there is to learn of the genotypes, from one and the same state; their scores."""
        ...

    def score(self, genotype: Genotype) -> Score:
        """The genotype's score in the state as it is."""
        ...

    def finalists(self, population: Sequence[Genotype]) -> Sequence[Genotype]:
        """Whom a search that ends with `population` chooses among: these, or all if scores are comparable."""
        return population

    def figures(self) -> dict[str, Any]:
        """What the metrics of a step tell of the estimator."""
        return {}

    def notes(self) -> list[str]:
        """What the user is told before the first step."""
        return []

    def details(self, genotype: Genotype) -> dict[str, Any]:  # noqa: ARG002
        """What else is known of the architecture that a search has settled on, and did not decide, as JSON."""
        return {}

    def remarks(self, genotype: Genotype) -> list[str]:  # noqa: ARG002
        """What the user is told of it."""
        return []

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
