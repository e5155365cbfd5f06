"""Few-shot search: the space is split into sub-spaces, and any method searches in each of them.

Source: Generalizing Few-Shot NAS with Gradient Matching (arXiv 2203.15207, ICLR 2022) and Few-Shot
NAS (arXiv 2006.06863). A probe supernet of the wrapper's own is trained for a while; an edge is
scored by how differently its operations would train the weights they share (splitting/
gradient_matching.py); the operations of the best edge are split into groups that agree, each a
sub-space with the probe's weights, in which the same begins again. Then the base method searches
in every leaf, one after the other, and the best of the leaves' cells is chosen on the validation half.

Where nastk differs from the released code: any method can be the base, which needs nothing but to
obey its mask; scoring changes nothing; both cell types may be split; the choice never sees test
images; all leaves have the same budget, which leaf_share holds against the base's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from nastk.budget import with_share
from nastk.config import search_class
from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.estimators.estimator import NetworkInput
from nastk.estimators.halving import SuccessiveHalving, num_epochs
from nastk.estimators.score import Score, best_first, from_rows
from nastk.genotype import parse
from nastk.registry import load_space
from nastk.schema import key
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.spaces.derivation import shrink
from nastk.spaces.mask import Mask
from nastk.splitting.leaf import inherit, line_of, pick_of, told
from nastk.splitting.plan import SplitPlan
from nastk.splitting.splitter import Splitter, SplittingConfig
from nastk.splitting.tree import Node
from nastk.weight_sharing.memory import depths, mixture_bytes
from nastk.wording import counted


@dataclass
class FewShotConfig(SplittingConfig):
    base: str = key("darts", "the method that searches in every leaf (nastk list methods)")
    leaf_share: float | None = key(
        1.0,
        "part of the base's own budget that a leaf gets; null: all leaves and splits together get 1",
        above=0,
    )
    leaf_weights: str = key(
        "restart", "a leaf's supernet starts fresh or from its parent's", choices=("restart", "inherit")
    )
    choice: str = key(
        "score", "leaves are held against each other by their own scores or by short training alone",
        choices=("score", "standalone"),
    )  # fmt: skip
    choice_epochs: list[int] = key(
        [2, 4, 8], "epochs after which the worse half of the leaves' cells is left out", low=1
    )


class FewShot(Search):
    """Splits, then leaf after leaf, then the choice; a step is one of theirs."""

    Config = FewShotConfig
    default_space = "darts"
    base: ClassVar[type[Search]]

    @classmethod
    def for_settings(cls, settings: Mapping[str, Any]) -> type[Search]:
        """Few-shot search over the method that search.base names, with its keys beside its own."""
        name = str(settings.get("search.base", FewShotConfig().base))
        if name == "fewshot":
            raise ValueError("search.base: fewshot cannot be its own base")
        try:
            base = search_class(name, settings)
        except ValueError as error:
            raise ValueError(f"search.base: {error}") from None
        own = {field.name for field in dataclasses.fields(FewShotConfig)}
        both = sorted(own & {field.name for field in dataclasses.fields(base.Config)})
        if both:
            raise ValueError(f"search.base: {name} has a key of fewshot's own, search.{both[0]}")
        return few_shot_over(name, base)

    def __init__(self, context: SearchContext) -> None:
        super().__init__(context)
        settings = context.config.search
        if not settings.choice_epochs or sorted(set(settings.choice_epochs)) != settings.choice_epochs:
            raise ValueError(
                f"search.choice_epochs: expected ascending numbers, found {settings.choice_epochs}"
            )
        inherits = settings.leaf_weights == "inherit"
        SplitPlan.of(settings, context.mask, context.space.decisions, keep_weights=inherits)
        # What a user can get wrong in a leaf shows now, not after the splits, and before images are read.
        for share in (1.0, settings.leaf_share or 1.0):
            self._check_in_leaf(share)
        whole = self._search_in(context.mask, context.engine.apart(), 1.0)
        if inherits and whole.supernet is None:
            raise ValueError(
                f"search.leaf_weights: {self.builds_on} has no supernet that could inherit weights"
            )
        self.splitter = Splitter(context, keep_weights=inherits)
        self.share = settings.leaf_share or self._fair_share(whole.cost)
        one = self._search_in(context.mask, context.engine.apart(), self.share)
        self.steps_in_leaf, self.cost_in_leaf, self.applied_share = (
            one.num_steps,
            one.cost,
            one.cost / whole.cost,
        )
        self._network_input, self._notes_in_leaf = one.network_input, one.notes()
        plan = self.splitter.plan
        self._trains = whole.trains
        self.num_steps = plan.num_steps + plan.num_leaves * self.steps_in_leaf
        if settings.choice == "standalone" and plan.num_leaves > 1:
            _ = context.images  # loaded, or refused: cells will be trained on them
            self.num_steps += num_epochs(plan.num_leaves, settings.choice_epochs)
        self._empty: dict[int, bool] = {}  # leaf -> whether nothing in it is within the limits
        self.inner: Search | None = None
        self.picks: list[dict[str, Any]] = []  # of each leaf that is done
        self.halving: SuccessiveHalving | None = None

    @property
    def finished(self) -> bool:
        if not self.splitter.finished or len(self.picks) < len(self.leaves):
            return False
        return self.halving is None or self.halving.finished

    @property
    def leaves(self) -> list[Node]:
        """Those in which there is anything within the limits."""
        return [leaf for leaf in self.splitter.tree.leaves() if not self._is_empty(leaf)]

    def _is_empty(self, leaf: Node) -> bool:
        if self.allowance is None:
            return False
        if leaf.number not in self._empty:
            self._empty[leaf.number] = self.allowance.under(leaf.mask).is_empty
        return self._empty[leaf.number]

    @classmethod
    def epochs_of_a_candidate(cls, config: Any) -> int:
        """In a leaf. With leaf_share=null a few more: what the splits cost depends on the images."""
        space = load_space(config.space.name)
        mask = space.mask_of(config.space.operations)
        plan = SplitPlan.of(config.search, mask, space.decisions, keep_weights=False)
        share = config.search.leaf_share or 1 / plan.num_leaves
        return cls.base.epochs_of_a_candidate(with_share(config, cls.base.budget, share))

    @property
    def trains(self) -> bool:
        return self._trains

    @property
    def network_input(self) -> NetworkInput | None:
        return self._network_input

    @property
    def cost(self) -> float:
        return self._cost_of_splits() + self.splitter.plan.num_leaves * self.cost_in_leaf

    def notes(self) -> list[str]:
        """The plan: what will be split, trained and scored, and what it costs."""
        lines = self._notes_in_leaf + self.splitter.plan.lines(
            self.context.config.search, self.builds_on, self.applied_share, self.steps_in_leaf
        )
        if self.trains:
            lines.append(
                f"plan: leaves and splits cost about {counted(round(self.cost), 'epoch')} of a single path, splits "
                f"{self._cost_of_splits():.0f} of them"
            )
        return lines

    def step(self) -> dict[str, Any]:
        if not self.splitter.finished:
            return self.splitter.step()
        if len(self.picks) < len(self.leaves):
            return self._step_in_leaf()
        assert self.halving is not None
        metrics = self.halving.step()
        if self.halving.finished and not self.halving.scores()[self.halving.order()[0]].finite:
            raise ValueError("none of the leaves' cells could be trained alone; try a smaller train.lr")
        return metrics | {"leaf": self.picks[metrics.pop("member")]["leaf"]}

    def _step_in_leaf(self) -> dict[str, Any]:
        """A step of the base in the leaf in hand; with the last one the leaf's cell is picked."""
        leaf = self.leaves[len(self.picks)]
        if self.inner is None:
            self.inner = self._begin(leaf)
        metrics = self.inner.step()
        metrics["phase"] = f"leaf {leaf.number} {metrics['phase']}"
        if self.inner.finished:
            self.picks.append(pick_of(leaf.number, self.inner.result()))
            self.inner = None
            if len(self.picks) == len(self.leaves) and self._must_choose():
                self.halving = self._build_halving()
        return metrics

    def result(self) -> SearchResult:
        """The best leaf's cell and, by whatever chose it, all that can be held against it: cells trained alone,
        or all that the leaves ranked; beside them the tree of splits."""
        cells = [parse(pick["genotype"])[0] for pick in self.picks]
        if self.halving is not None:
            scores, order = self.halving.scores(), self.halving.order()
            ranking, beside = [(cells[position], scores[position]) for position in order], []
        else:
            scores = [Score(**pick["score"]) for pick in self.picks]
            order = best_first(scores)
            rows = [row for position in order for row in self.picks[position]["ranking"]]
            found = from_rows(rows)
            places = best_first([score for _, score in found])
            ranking = [found[place] for place in places]
            beside = [rows[place].get("beside", {}) for place in places]
        chosen = self.picks[order[0]]["leaf"]
        return SearchResult(
            cells[order[0]],
            scores[order[0]],
            ranking,
            beside=beside,
            others={name: parse(text)[0] for pick in self.picks for name, text in pick["genotypes"].items()},
            details={
                "tree": self.splitter.tree.to_json(self.context.space.decisions),
                "leaves": [told(pick, score) for pick, score in zip(self.picks, scores, strict=True)],
                "chosen": chosen,
                "scoring_passes": self.splitter.num_gradients,
            },
            remarks=[line_of(self.picks[p], scores[p], chosen) for p in order] + self._fewer_leaves(),
        )

    def _fewer_leaves(self) -> list[str]:
        planned, made = self.splitter.plan.num_leaves, len(self.leaves)
        leaves = counted(made, "leaf", "leaves")
        why = (
            "the others hold nothing within the limits"
            if any(self._empty.values())
            else "no more decisions could be split"
        )
        return [] if made == planned else [f"{leaves}, not {planned}: {why}"]

    def peak_memory(self) -> int | None:
        """The base's in the whole space, of which a leaf is a part, or the probe's."""
        context, settings = self.context, self.context.config.search
        most = self._search_in(context.mask, context.engine.apart(), 1.0).peak_memory()
        if most is None or self.splitter.probe is None:
            return most
        mixture = context.mask
        if settings.probe == "path":  # an option of every decision
            mixture = shrink(context.mask, depths(context.space), 1)
        num_cells = context.config.network.num_cells
        return max(most, mixture_bytes(context, mixture, num_cells=num_cells, full_precision=True))

    def state_dict(self) -> dict[str, Any]:
        return {
            "splitter": self.splitter.state_dict(),
            "picks": self.picks,
            "inner": self.inner.state_dict() if self.inner is not None else None,
            "halving": self.halving.state_dict() if self.halving is not None else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.splitter.load_state_dict(state["splitter"])
        self.picks = state["picks"]
        if state["inner"] is not None:
            self.inner = self._begin(self.leaves[len(self.picks)])
            self.inner.load_state_dict(state["inner"])
        if state["halving"] is not None:
            self.halving = self._build_halving()
            self.halving.load_state_dict(state["halving"])

    def _begin(self, leaf: Node) -> Search:
        """The search in a leaf, from its parent's weights if it inherits them."""
        inner = self._search_in(leaf.mask, self.context.engine.part(f"leaf {leaf.number}"), self.share)
        if self.context.config.search.leaf_weights == "inherit" and leaf.parent is not None:
            assert inner.supernet is not None
            inherit(inner.supernet, self.splitter.weights[str(leaf.parent)]["supernet"])
        return inner

    def _check_in_leaf(self, share: float) -> None:
        """ValueError for what the base refuses of its settings, as long as it has not asked for images."""

        def load_images() -> SearchImages:
            raise _ImagesAsked

        with suppress(_ImagesAsked):
            self._search_in(self.context.mask, self.context.engine.apart(), share, load_images)

    def _search_in(
        self, mask: Mask, engine: Engine, share: float, load_images: Callable[[], SearchImages] | None = None
    ) -> Search:
        """The base method in a sub-space, with `share` of its budget; the engine has random streams of its own."""
        context = self.context
        config = with_share(context.config, self.base.budget, share)
        load_images = load_images or (lambda: context.images)
        try:
            return self.base(SearchContext(config, context.space, mask, engine, load_images, context.limit))
        except ValueError as error:
            if share == 1.0:
                raise
            raise ValueError(
                f"{error} (with {share:.3g} of the budget in a leaf: search.leaf_share)"
            ) from None

    def _must_choose(self) -> bool:
        return self.context.config.search.choice == "standalone" and len(self.picks) > 1

    def _build_halving(self) -> SuccessiveHalving:
        config = self.context.config
        return SuccessiveHalving(
            [parse(pick["genotype"])[0] for pick in self.picks],
            config.search.choice_epochs,
            self.context.images,
            self.context.engine.part("choice"),
            network=config.network,
            train=config.train,
        )

    def _cost_of_splits(self) -> float:
        plan = self.splitter.plan
        return plan.cost(len(self.context.images.train)) if plan.epochs or plan.gradients else 0.0

    def _fair_share(self, whole: float) -> float:
        """What a leaf gets if all leaves and splits together cost `whole`, what the base does."""
        splits = self._cost_of_splits()
        if splits >= whole:
            raise ValueError(
                f"search.leaf_share: the splits cost {counted(round(splits), 'epoch')} of a path, "
                f"the whole budget is {whole:.0f}; "
                "lower search.probe_epochs or search.rounds, or set search.leaf_share"
            )
        return (whole - splits) / whole / self.splitter.plan.num_leaves


class _ImagesAsked(Exception):
    """A base whose settings are tried asks for images, and so has not refused them."""


@cache  # so that configurations made twice are equal
def few_shot_over(name: str, base: type[Search]) -> type[Search]:
    """Few-shot search with one base method, called `name`."""
    return type(
        f"FewShot{base.__name__}",
        (FewShot,),
        {
            "Config": dataclass(type("FewShotConfig", (base.Config, FewShotConfig), {})),
            "TrainConfig": base.TrainConfig,
            "default_space": base.default_space,
            "needs": base.needs,
            "budget": base.budget,
            "builds_on": name,
            "compiles": base.compiles,
            "base": base,
        },
    )
