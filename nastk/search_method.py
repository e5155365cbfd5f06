"""What every search method is: a resumable state machine that ends in a genotype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from nastk.config import Config
from nastk.costs.allowance import Allowance
from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.estimators.estimator import NetworkInput
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.networks.supernet import Supernet
from nastk.schema import TrainConfig
from nastk.spaces.mask import Mask
from nastk.spaces.space import Space


@dataclass(frozen=True)
class SearchContext:
    """What a search is given: the resolved configuration and the nouns it wires together.

    A method obeys `mask` in sampling, relaxing, pruning and decoding, so that any wrapper may
    restrict it to a part of the space. load_images is called when a method first asks for `images`:
    one that reads a table never does. limit: what may be found under a mask, given what its network is built
    for; None without limits.
    """

    config: Config
    space: Space
    mask: Mask
    engine: Engine
    load_images: Callable[[], SearchImages]
    limit: Callable[[NetworkInput | None, Mask], Allowance | None] = lambda *_: None

    @cached_property
    def images(self) -> SearchImages:
        return self.load_images()


@dataclass(frozen=True)
class SearchResult:
    """The genotype a search settled on, its score, and all candidates of the last choice, best first.

    others: further genotypes worth keeping, by name (stages, levels). details: what else the method
    tells of its course, as JSON. remarks: what the user is told besides. beside: what else is known of
    each of the ranking, as JSON: keys of its row in ranking.json; empty: nothing of any.
    """

    genotype: Genotype
    score: Score
    ranking: list[tuple[Genotype, Score]]
    others: dict[str, Genotype] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    beside: list[dict[str, Any]] = field(default_factory=list)

    def ranked(self) -> list[tuple[Genotype, Score, dict[str, Any]]]:
        """The ranking with what else is known of each."""
        beside = self.beside or [{} for _ in self.ranking]
        return [(*one, more) for one, more in zip(self.ranking, beside, strict=True)]


class Search:
    """A search method: an engine.job.Job whose `result` is there once it is finished.

    Config: the dataclass of the method's own keys (group `search`), declared with schema.key.
    TrainConfig: the dataclass of the keys of training (group `train`).
    default_space: the space it searches unless another is named.
    needs: what a space must have for it, as protocols of spaces/space.py, so that a new space is taken
        without a word here.
    budget: the keys that its cost is proportional to, the main one first.
    builds_on: the method whose preset is read before its own one of the same name.
    compiles: whether `engine.compile` is obeyed. A mixture is compiled once; a path, at every step another one, is not.
    """

    Config: ClassVar[type]
    TrainConfig: ClassVar[type] = TrainConfig
    default_space: ClassVar[str]
    needs: ClassVar[tuple[type, ...]] = ()
    budget: ClassVar[tuple[str, ...]] = ("train.epochs",)
    builds_on: ClassVar[str | None] = None
    compiles: ClassVar[bool] = False

    num_steps: int

    @classmethod
    def for_settings(cls, settings: Mapping[str, Any]) -> type[Search]:  # noqa: ARG003
        """The class that searches under `settings` ("group.key" -> its value or the text given for it).

        A method that wraps another one has the other's keys beside its own: it returns a class for both.
        """
        return cls

    @classmethod
    def takes(cls, space: Space) -> bool:
        """Whether the method can search `space`; ValueError if what it needs is not said by protocols."""
        for need in cls.needs:
            if not isinstance(need, type):
                raise ValueError(
                    f"{cls.__name__}.needs: expected protocols of nastk.spaces.space, found {need!r}"
                )
        return all(isinstance(space, need) for need in cls.needs)

    @classmethod
    def epochs_of_a_candidate(cls, config: Any) -> int:
        """How long the weights of one candidate are trained, as far as the configuration says.

        Training one alone is held to it.
        """
        epochs: int = config.train.epochs
        return epochs

    def __init__(self, context: SearchContext) -> None:
        self.context = context

    @property
    def cost(self) -> float:
        """What all its steps cost, roughly, in epochs of training a single path.

        A mixture costs what the paths in it do. A wrapper shares a budget out by it.
        """
        return self.num_steps

    @property
    def supernet(self) -> Supernet | None:
        """The network whose weights the candidates share, if there is one: a wrapper may set them."""
        return None

    @property
    def trains(self) -> bool:
        """Whether weights are trained here, and not all is looked up in a table."""
        return self.supernet is not None

    @cached_property
    def allowance(self) -> Allowance | None:
        """What may be found; None without limits. ValueError if nothing of the sub-space is within them."""
        found = self.context.limit(self.network_input, self.context.mask)
        if found is not None:
            found.check()
        return found

    def notes(self) -> list[str]:
        """What the user is told before the first step."""
        return []

    @property
    def network_input(self) -> NetworkInput | None:
        """What the result's network is built for; None if nastk has no network of it."""
        images = self.context.images
        return NetworkInput(images.shape, len(images.classes))

    @property
    def finished(self) -> bool:
        raise NotImplementedError

    def step(self) -> dict[str, Any]:
        raise NotImplementedError

    def result(self) -> SearchResult:
        raise NotImplementedError

    def peak_memory(self) -> int | None:
        """Bytes of tensors that the largest training step takes (engine.memory), None if that is unknown."""
        return None

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def load_state_dict(self, state: dict[str, Any]) -> None:
        raise NotImplementedError
