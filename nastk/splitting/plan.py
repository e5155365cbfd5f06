"""What few-shot splitting will cost, before it begins: pure functions of the settings.

Where a decision cannot be split as far as planned, it will be less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nastk.estimators.halving import num_epochs
from nastk.spaces.decision import Decision
from nastk.spaces.mask import Mask
from nastk.wording import counted


@dataclass(frozen=True)
class SplitPlan:
    """levels: groups at each level. epochs: of the probe, of all nodes. decisions, gradients: scored
    decisions and the forward and backward passes of a batch that scoring them takes. width: options of a
    decision that run in each.
    """

    levels: tuple[int, ...]
    epochs: int
    decisions: int
    gradients: int
    width: float

    @classmethod
    def of(cls, settings: Any, mask: Mask, decisions: Sequence[Decision], *, keep_weights: bool) -> SplitPlan:
        """settings: a SplittingConfig; mask: the whole that is to be split; decisions: the space's.

        keep_weights: a probe is trained also where no split needs one. ValueError where no decision has as many
        options as groups need.
        """
        candidates = [len(mask.allowed[number]) for number in to_split(settings, decisions)]
        levels = {
            "none": (),
            "exhaustive": (next((num for num in candidates if num > 1), 1),),
        }.get(settings.split, tuple(settings.groups))
        widest = max(candidates)
        for groups in levels if settings.split in ("gm", "random") else ():
            if groups * settings.min_group > widest:
                raise ValueError(
                    f"search.groups: no decision has the {groups * settings.min_group} options that {groups} groups of "
                    f"search.min_group={settings.min_group} need; they have {widest} at most"
                )
        nodes = [math.prod(levels[:depth]) for depth in range(len(levels))]
        scores = settings.split == "gm"
        probes = scores or keep_weights
        scored = [num * max(len(candidates) - depth, 0) for depth, num in enumerate(nodes)] if scores else []
        # Which decisions are split already is not known yet: the widest are counted as the ones left.
        order = sorted(candidates, reverse=True)
        options = [num * sum(order[: max(len(order) - depth, 0)]) for depth, num in enumerate(nodes)]
        return cls(
            levels=levels,
            epochs=sum(nodes) * settings.probe_epochs if probes else 0,
            decisions=sum(scored),
            gradients=sum(options) * settings.rounds if scores else 0,
            width=1.0 if settings.probe == "path" else sum(candidates) / len(candidates),
        )

    @property
    def num_nodes(self) -> int:
        """Nodes that are split."""
        return sum(math.prod(self.levels[:depth]) for depth in range(len(self.levels)))

    @property
    def num_leaves(self) -> int:
        return math.prod(self.levels)

    @property
    def num_steps(self) -> int:
        """Steps of the splitter: epochs of the probe, then decisions scored or, without scoring, the split itself."""
        return self.epochs + (self.decisions or self.num_nodes)

    def cost(self, batches: int) -> float:
        """In epochs of training a single path, of `batches` steps each; a gradient costs what a step does."""
        return (self.epochs + self.gradients / batches) * self.width

    def lines(self, settings: Any, base: str | None, share: float, steps_in_leaf: int) -> list[str]:
        """The plan in words. settings: a FewShotConfig; share: of the base's own budget, for a leaf."""
        splits = " x ".join(map(str, self.levels)) or "none"
        lines = [
            f"plan: splits {splits} ({settings.split}), {counted(self.num_leaves, 'leaf', 'leaves')}; "
            f"{counted(self.epochs, 'probe epoch')}, "
            f"{counted(self.gradients, 'scoring pass', 'scoring passes')} of a batch",
            f"plan: {base} in every leaf, {share:.3g} of its own budget: {counted(steps_in_leaf, 'step')}",
        ]
        if settings.choice == "standalone" and self.num_leaves > 1:
            epochs = num_epochs(self.num_leaves, settings.choice_epochs)
            lines.append(
                f"plan: {counted(epochs, 'epoch')} of training leaves' cells alone, to choose among them"
            )
        return lines


def to_split(settings: Any, decisions: Sequence[Decision]) -> list[int]:
    """The decisions that may be split, by index. settings: a SplittingConfig."""
    first = decisions[0].group  # normal cells, where there are several types
    return [
        number
        for number, decision in enumerate(decisions)
        if settings.cell_types == "all" or decision.group == first
    ]
