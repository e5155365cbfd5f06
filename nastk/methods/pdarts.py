"""P-DARTS: a relaxed search in stages, deeper and with fewer operations from one to the next.

Source: Chen, Xie, Wu, Tian, Progressive DARTS (arXiv 1904.12760) and its public code. Every stage
starts with fresh weights and architecture parameters; only the mask is carried over. A stage trains
weights alone for `warmup_epochs`, then both in turn, first order. Two regularisers hold skips back:
dropout after them, which fades within a stage, and the refinement of the found cell to `max_skips`.
Where nastk differs from the released code: the learning rate follows the true cosine, lists of
unequal length are refused, the refined cell is the result without copying by hand, validation images
are not augmented unless data.augment_validation is set, the split is shuffled and class-balanced.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from nastk.engine.schedules import cosine
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.networks.skip_dropout import SkipDropout
from nastk.networks.supernet import Supernet
from nastk.schema import key
from nastk.search_method import Search, SearchContext, SearchResult
from nastk.spaces.cell import CellSpace
from nastk.spaces.cell_derivation import derive_pdarts, limit_skips
from nastk.spaces.decision import Path
from nastk.spaces.derivation import SKIP, fair_strengths, shrink
from nastk.spaces.mask import Mask
from nastk.weight_sharing.memory import depths, mixture_bytes, num_layers
from nastk.weight_sharing.relaxation import Relaxation
from nastk.wording import counted


@dataclass
class PDARTSConfig:
    add_cells: list[int] = key([0, 6, 12], "cells of each stage, on top of network.num_cells", low=0)
    num_operations: list[int] = key([8, 5, 3], "most operations on an edge; the first stage has all", low=2)
    skip_dropout: list[float] = key(
        [0.1, 0.4, 0.7], "dropout after skips at each stage's start", low=0, high=0.95
    )
    warmup_epochs: int = key(10, "epochs of a stage, of train.epochs, that train weights alone", low=0)
    max_skips: int | None = key(
        2, "most skips in the normal cell; null: as many as were found", low=0, high=8
    )
    lr: float = key(6e-4, "learning rate of the architecture parameters", above=0)
    weight_decay: float = key(1e-3, "weight decay of the architecture parameters", low=0)


class PDARTS(Search):
    """The stages of P-DARTS; a step is an epoch."""

    Config = PDARTSConfig
    default_space = "darts"
    needs = (CellSpace,)  # cells whose nodes choose two inputs each
    compiles = True
    budget = ("train.epochs", "search.warmup_epochs")

    def __init__(self, context: SearchContext) -> None:
        super().__init__(context)
        assert isinstance(context.space, CellSpace)
        self.space = context.space
        settings, train = context.config.search, context.config.train
        lengths = {
            f"search.{name}": len(getattr(settings, name))
            for name in ("add_cells", "num_operations", "skip_dropout")
        }
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ValueError(f"every stage needs one entry in each list: {found}")
        if settings.warmup_epochs >= train.epochs:
            raise ValueError(
                f"search.warmup_epochs: {settings.warmup_epochs} of {counted(train.epochs, 'epoch')} (train.epochs) "
                "leave none for the architecture"
            )
        if settings.num_operations != sorted(settings.num_operations, reverse=True):
            raise ValueError(
                f"search.num_operations: must not grow from stage to stage: {settings.num_operations}"
            )
        widest = self._widest(context.mask)
        if settings.num_operations[0] < widest:
            raise ValueError(
                f"search.num_operations: the first stage has all {counted(widest, 'operation')}, not "
                f"{settings.num_operations[0]}; space.operations makes the space smaller"
            )
        self.num_stages = len(settings.add_cells)
        self.epochs = train.epochs  # of a stage
        self.num_steps = self.num_stages * self.epochs
        self.num_done = 0
        self.score: dict[str, Any] = {}
        self.stages: list[dict[str, Any]] = []  # of each finished stage: mask, strengths
        self._build(context.mask, stage=0)

    @property
    def finished(self) -> bool:
        return self.num_done == self.num_steps

    def step(self) -> dict[str, Any]:
        settings, train = self.context.config.search, self.context.config.train
        stage, epoch = divmod(self.num_done, self.epochs)
        lr = cosine(train.lr, train.lr_min, epoch, self.epochs)
        rate = skip_dropout_rate(settings.skip_dropout[stage], epoch, self.epochs, settings.warmup_epochs)
        engine = self.context.engine
        dropout = SkipDropout(rate, engine.streams.on(engine.device, "skip_dropout")) if rate > 0 else None
        order = 1 if epoch >= settings.warmup_epochs else None
        found = self.relaxation.train_epoch(lr=lr, order=order, dropout=dropout)
        self.num_done += 1
        metrics = {
            "phase": f"stage {stage + 1}",
            "train_loss": found.loss,
            "train_accuracy": found.accuracy,
            "lr": lr,
            "skip_dropout": rate,
            "skips": self._num_skips(),
        }
        if epoch == self.epochs - 1:
            validation = self.relaxation.validate()
            metrics |= {"loss": validation.loss, "accuracy": validation.accuracy}
            self.score = Score.of_validation(validation, source="mixture", cost=self.num_done).to_json()
            self.stages.append({"mask": self.mask.to_json(), "strengths": self.relaxation.strengths()})
            if not self.finished:
                kept = settings.num_operations[stage + 1]
                self._build(shrink(self.mask, self.relaxation.strengths(), kept), stage + 1)
        return metrics

    def result(self) -> SearchResult:
        """The derived cell, refined to max_skips; beside it every level of refinement and every stage's cell."""
        space, score = self.space, Score(**self.score)
        masks = [Mask.from_json(stage["mask"]) for stage in self.stages]
        levels = self._within(limit_skips(space, masks[-1], self.stages[-1]["strengths"]))
        others = {f"skips_{level}": genotype for level, genotype in levels.items()}
        for number, (mask, stage) in enumerate(zip(masks, self.stages, strict=True), start=1):
            others[f"stage_{number}"] = derive_pdarts(space, mask, stage["strengths"])
        most = self.context.config.search.max_skips
        chosen = choose_level(levels, most)
        num = space.num_skips(chosen)
        too_many = (
            f"{counted(num, 'skip')}, more than search.max_skips={most}: nothing else is left on their edges"
        )
        details = {
            "stages": self.stages,
            "decisions": [asdict(decision) for decision in space.decisions],
        }
        return SearchResult(
            chosen,
            score,
            [(chosen, score)],
            others=others,
            details=details,
            remarks=[too_many] if most is not None and num > most else [],
        )

    def _within(self, levels: dict[int, Genotype]) -> dict[int, Genotype]:
        """The levels of refinement; in place of those beyond the limits what gives up the least strength.

        That may have options again which the last stages had left out: they count nothing.
        """
        allowance = self.allowance
        if allowance is None:
            return levels
        mask = Mask.from_json(self.stages[-1]["mask"])
        strengths = fair_strengths(mask, self.stages[-1]["strengths"])
        num_edges = len(self.space.edges)
        skip = self.space.operations.index(SKIP)

        def skips(part: Path) -> float:
            """Of the normal cell."""
            return sum(decision < num_edges and option == skip for decision, option in part)

        return {
            level: allowance.keep(genotype, strengths, skips, level) for level, genotype in levels.items()
        }

    def peak_memory(self) -> int:
        """Of the stage with most layers; a later stage is taken to have kept the deepest operations."""
        settings, space = self.context.config.search, self.space
        deepest = [shrink(self.context.mask, depths(space), kept) for kept in settings.num_operations]
        stage = max(
            range(self.num_stages),
            key=lambda stage: self._num_cells(stage) * num_layers(space, deepest[stage]),
        )
        return mixture_bytes(
            self.context,
            deepest[stage],
            num_cells=self._num_cells(stage),
            skip_dropout=settings.skip_dropout[stage] > 0,
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "num_done": self.num_done,
            "score": self.score,
            "stages": self.stages,
            "mask": self.mask.to_json(),
            "relaxation": self.relaxation.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.num_done, self.score, self.stages = state["num_done"], state["score"], state["stages"]
        stage = min(self.num_done // self.epochs, self.num_stages - 1)
        self._build(Mask.from_json(state["mask"]), stage)
        self.relaxation.load_state_dict(state["relaxation"])

    @property
    def cost(self) -> float:
        """Of all stages: they have more cells and fewer operations each."""
        settings, first = self.context.config.search, self.context.config.network.num_cells
        epochs = (
            2 * self.epochs - settings.warmup_epochs
        )  # an architecture step costs what a weight step does
        stages = zip(settings.num_operations, settings.add_cells, strict=True)
        widest = self._widest(self.context.mask)
        return sum(min(num, widest) * (first + added) / first * epochs for num, added in stages)

    @property
    def supernet(self) -> Supernet:
        return self.relaxation.supernet

    @staticmethod
    def _widest(mask: Mask) -> int:
        """The most operations on an edge."""
        return max(map(len, mask.allowed))

    def _num_skips(self) -> int:
        return self.space.num_skips(derive_pdarts(self.space, self.mask, self.relaxation.strengths()))

    def _num_cells(self, stage: int) -> int:
        config = self.context.config
        num_cells: int = config.network.num_cells + config.search.add_cells[stage]
        return num_cells

    def _build(self, mask: Mask, stage: int) -> None:
        """Start a stage: everything but the mask is fresh."""
        config = self.context.config
        self.mask = mask
        self.relaxation = Relaxation(
            self.context,
            mask,
            init_channels=config.network.init_channels,
            num_cells=self._num_cells(stage),
            lr=config.search.lr,
            weight_decay=config.search.weight_decay,
            clip_alphas=True,
            allowance=self.allowance,
        )


def skip_dropout_rate(start: float, epoch: int, num_epochs: int, warmup_epochs: int) -> float:
    """The dropout rate in `epoch` of a stage that starts at `start`.

    Linear, start (num_epochs - epoch - 1) / num_epochs, while weights are trained alone; from then
    on start exp(-0.2 (epoch - warmup_epochs)): it jumps back to `start` first. Source: public code.
    """
    if epoch < warmup_epochs:
        return start * (num_epochs - epoch - 1) / num_epochs
    return start * math.exp(-0.2 * (epoch - warmup_epochs))


def choose_level(levels: dict[int, Genotype], max_skips: int | None) -> Genotype:
    """The genotype of level `max_skips`, or the unrefined one if it has no more skips than that."""
    unrefined = max(levels)
    return levels[unrefined if max_skips is None else min(max_skips, unrefined)]
