"""Gates: one weight per decision and option, which a supernet's forward takes.

Here are the usual ones: one-hot of a genotype or of a random path, a random mixture, a masked softmax.
What else a method weights options by, it hands over as numbers (`soft`). Legend: D decisions, O options
of the decision that has most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from nastk.spaces.decision import Path
from nastk.spaces.mask import Mask

Weight = float | Tensor  # a tensor has no dimensions and may need a gradient
Row = tuple[tuple[int, Weight], ...]  # (option, weight) of what runs for a decision


@dataclass(frozen=True)
class Gates:
    """`rows[d]`: the (option index, weight) pairs that run for decision d.

    Options that are not listed are not computed at all.
    """

    rows: tuple[Row, ...]  # [D]


def one_hot(path: Path, num_decisions: int) -> Gates:
    """The gates of single (decision, option) choices; a choice made twice has weight 2.

    A node that takes the same operation from the same input twice adds up one shared operation
    twice, which is the operation times 2: it is computed once.
    """
    rows: list[list[tuple[int, Weight]]] = [[] for _ in range(num_decisions)]
    for (decision, option), count in sorted(Counter(path).items()):
        rows[decision].append((option, float(count)))
    return Gates(tuple(map(tuple, rows)))


def uniform_path(mask: Mask, generator: torch.Generator) -> Gates:
    """One option of every decision, each of those allowed equally likely; `generator` is on the CPU."""
    draws = torch.rand(len(mask.allowed), dtype=torch.float64, generator=generator).tolist()
    return Gates(tuple(((row[int(u * len(row))], 1.0),) for row, u in zip(mask.allowed, draws, strict=True)))


def uniform_mixture(mask: Mask) -> Gates:
    """All that `mask` allows, with equal weights that add up to 1 for every decision."""
    return Gates(tuple(tuple((option, 1 / len(row)) for option in row) for row in mask.allowed))


def soft(weights: Tensor, mask: Mask) -> Gates:
    """The mixture of what `mask` allows, weighted by `weights` [D, O]."""
    scalars = weights.flatten().unbind()
    width = weights.shape[1]
    return Gates(
        tuple(
            tuple((option, scalars[decision * width + option]) for option in row)
            for decision, row in enumerate(mask.allowed)
        )
    )


def masked_softmax(alphas: Tensor, allowed: Tensor) -> Tensor:
    """Softmax of alphas [D, O] over the options where `allowed` [D, O] is true; 0 elsewhere."""
    return alphas.masked_fill(~allowed, -torch.inf).softmax(dim=-1)


def allowed(mask: Mask, num_options: int) -> Tensor:
    """The mask as booleans [D, O]; `num_options`: O."""
    return torch.tensor([[option in row for option in range(num_options)] for row in mask.allowed])
