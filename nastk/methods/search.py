"""What every search method is: a resumable state machine that ends in a genotype."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from nastk.config import Config, TrainConfig
from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.spaces.mask import Mask


@dataclass(frozen=True)
class SearchContext:
    """What a search is given: the resolved configuration and the nouns it wires together.

    A method obeys `mask` in sampling, relaxing, pruning and decoding, so that any wrapper may
    restrict it to a part of the space.
    """

    config: Config
    space: Any  # a search space of nastk.spaces
    mask: Mask
    images: SearchImages
    engine: Engine


@dataclass(frozen=True)
class SearchResult:
    """The genotype a search settled on, its score, and all candidates of the last choice, best first.

    others: further genotypes worth keeping, by name (stages, levels). details: what else the method
    tells of its course, as JSON.
    """

    genotype: Genotype
    score: Score
    ranking: list[tuple[Genotype, Score]]
    others: dict[str, Genotype] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


class Search:
    """A search method: an engine.drive.Job whose `result` is there once it is finished.

    Config: the dataclass of the method's own keys (group `search`), declared with config.key.
    TrainConfig: the dataclass of the keys of training (group `train`).
    spaces: the names of the search spaces it can take.
    """

    Config: ClassVar[type]
    TrainConfig: ClassVar[type] = TrainConfig
    spaces: ClassVar[tuple[str, ...]]

    num_steps: int

    def __init__(self, context: SearchContext) -> None:
        self.context = context

    @property
    def finished(self) -> bool:
        raise NotImplementedError

    def step(self) -> dict[str, Any]:
        raise NotImplementedError

    def result(self) -> SearchResult:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError
