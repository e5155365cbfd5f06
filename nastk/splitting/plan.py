"""What few-shot splitting will cost, before it begins: pure functions of the settings.

Where an edge cannot be split as far as planned, it will be less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nastk.estimators.halving import num_epochs
from nastk.spaces.mask import Mask


@dataclass(frozen=True)
class SplitPlan:
    """levels: groups at each level. epochs: of the probe, of all nodes. edges, gradients: scored edges
    and the forward and backward passes of a batch that scoring them takes. width: operations that run
    on an edge in each.
    """

    levels: tuple[int, ...]
    epochs: int
    edges: int
    gradients: int
    width: float

    @classmethod
    def of(cls, settings: Any, mask: Mask, *, keep_weights: bool) -> SplitPlan:
        """settings: a SplittingConfig; mask: the whole that is to be split.

        keep_weights: a probe is trained also where no split needs one.
        """
        cell_types = mask.allowed[:1] if settings.cell_types == "normal" else mask.allowed
        candidates = [len(row) for edges in cell_types for row in edges]
        levels = {
            "none": (),
            "exhaustive": (max(candidates),),
        }.get(settings.split, tuple(settings.groups))
        nodes = [math.prod(levels[:depth]) for depth in range(len(levels))]
        scores = settings.split == "gm"
        probes = scores or keep_weights
        edges = [num * max(len(candidates) - depth, 0) for depth, num in enumerate(nodes)] if scores else []
        # Which edges are split already is not known yet: the widest are counted as the ones left.
        widest = sorted(candidates, reverse=True)
        operations = [num * sum(widest[: max(len(widest) - depth, 0)]) for depth, num in enumerate(nodes)]
        return cls(
            levels=levels,
            epochs=sum(nodes) * settings.probe_epochs if probes else 0,
            edges=sum(edges),
            gradients=sum(operations) * settings.rounds if scores else 0,
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
        """Steps of the splitter: epochs of the probe, then edges scored or, without scoring, the split itself."""
        return self.epochs + (self.edges or self.num_nodes)

    def cost(self, batches: int) -> float:
        """In epochs of training a single path, of `batches` steps each; a gradient costs what a step does."""
        return (self.epochs + self.gradients / batches) * self.width

    def lines(self, settings: Any, base: str | None, share: float, steps_in_leaf: int) -> list[str]:
        """The plan in words. settings: a FewShotConfig; share: of the base's own budget, for a leaf."""
        splits = " x ".join(map(str, self.levels)) or "none"
        lines = [
            f"plan: splits {splits} ({settings.split}), {self.num_leaves} leaves; "
            f"{self.epochs} probe epochs, {self.gradients:,} scoring passes of a batch",
            f"plan: {base} in every leaf, {share:.3g} of its own budget: {steps_in_leaf} steps",
        ]
        if settings.choice == "standalone" and self.num_leaves > 1:
            epochs = num_epochs(self.num_leaves, settings.choice_epochs)
            lines.append(f"plan: {epochs} epochs of training leaves' cells alone, to choose among them")
        return lines
