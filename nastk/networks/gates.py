"""Gates: one weight per decision and option, which a supernet's forward takes.

Here are the usual ones: one-hot of a genotype or of a random path, a random mixture, a masked softmax.
What else a method weights options by, it hands over as numbers (`soft`). Legend: D decisions, O options
of the decision that has most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nastk.spaces.decision import Path
from nastk.spaces.mask import Mask


class Gate:
    """One weight among those of all options, which may need a gradient: `gate * x` and `x * gate` weight a tensor."""

    def __init__(self, weights: SharedGates, position: int) -> None:
        self._weights = weights
        self.position = position

    @property
    def weights(self) -> Tensor:
        """Those of all options [D, O], among which this one is at `position` of the flattened ones."""
        return self._weights.weights

    def times(self, x: Tensor) -> Tensor:
        return x * self._weights.spread(None)[self.position]

    def __mul__(self, x: Tensor) -> Tensor:
        return self.times(x)

    __rmul__ = __mul__

    def per_channel(self, channels: int) -> Tensor:
        """The weight [C], once a channel."""
        return self._weights.spread(channels)[self.position]

    @staticmethod
    def matrix(gates: Sequence[Sequence[Gate | None]]) -> Tensor:
        """Rows of weights, of one `soft` all; None: 0."""
        first = next(gate for row in gates for gate in row if gate is not None)
        return first._weights.matrix(
            tuple(tuple(None if gate is None else gate.position for gate in row) for row in gates)
        )


class SharedGates:
    """Weights [D, O] of all options, taken apart by one call for all that ask for as many channels."""

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self._spread: dict[int | None, tuple[Tensor, ...]] = {}
        self._matrices: dict[tuple[tuple[int | None, ...], ...], Tensor] = {}

    def spread(self, channels: int | None) -> tuple[Tensor, ...]:
        """Every weight, flattened: [C] each, or without dimensions (None)."""
        if channels not in self._spread:
            self._spread[channels] = _Apart.apply(self.weights, channels)
        return self._spread[channels]

    def matrix(self, positions: tuple[tuple[int | None, ...], ...]) -> Tensor:
        """The weights at these positions among all, flattened; None: 0. Made once for all that ask for them."""
        if positions not in self._matrices:
            weights = self.spread(None)
            nothing = torch.zeros_like(self.weights[0, 0])
            chosen = [nothing if one is None else weights[one] for row in positions for one in row]
            self._matrices[positions] = torch.stack(chosen).view(len(positions), -1)
        return self._matrices[positions]


class _Apart(torch.autograd.Function):
    """As unbind does, but that what nobody used costs no call of its own on the way back."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, channels: int | None) -> tuple[Tensor, ...]:
        ctx.shape, ctx.channels = weights.shape, channels
        ctx.set_materialize_grads(False)
        flat = weights.flatten()
        # Repeated, not expanded: on the CPU, batch norm's backward is wrong for channels-last and a stride-0 scale.
        return (flat if channels is None else flat[:, None].repeat(1, channels)).unbind()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None]:
        given = next((gradient for gradient in gradients if gradient is not None), None)
        if given is None:
            return None, None
        nothing = torch.zeros_like(given)
        found = torch.stack([nothing if gradient is None else gradient for gradient in gradients])
        return (found if ctx.channels is None else found.sum(dim=1)).view(ctx.shape), None


Weight = float | Gate

Row = tuple[tuple[int, Weight], ...]  # (option, weight) of what runs for a decision


@dataclass(frozen=True)
class Gates:
    """`rows[d]`: the (option index, weight) pairs that run for decision d.

    Options that are not listed are not computed at all.
    """

    rows: tuple[Row, ...]  # [D]


def weighted(x: Tensor, weight: Weight) -> Tensor:
    """weight * x. (The compiler knows a gate's own method, and no operator between a gate and a tensor.)"""
    if isinstance(weight, Gate):
        return weight.times(x)
    return x if weight == 1.0 else x * weight


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
    shared, width = SharedGates(weights), weights.shape[1]
    return Gates(
        tuple(
            tuple((option, Gate(shared, decision * width + option)) for option in row)
            for decision, row in enumerate(mask.allowed)
        )
    )


def masked_softmax(alphas: Tensor, allowed: Tensor) -> Tensor:
    """Softmax of alphas [D, O] over the options where `allowed` [D, O] is true; 0 elsewhere."""
    return alphas.masked_fill(~allowed, -torch.inf).softmax(dim=-1)


def allowed(mask: Mask, num_options: int) -> Tensor:
    """The mask as booleans [D, O]; `num_options`: O."""
    return torch.tensor([[option in row for option in range(num_options)] for row in mask.allowed])
