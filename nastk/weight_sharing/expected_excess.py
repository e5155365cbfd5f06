"""What the network that a relaxation stands for has beyond the limits, differentiable in the options' weights.

Of every group of choices (a node's two edges, a decision of a chain) an alternative is taken with a probability
proportional to the product of its options' weights; the expected costs add up over the groups. As weights
become one-hot it is the excess of the architecture that they say.
Legend: D decisions, O options, G groups, A alternatives of the largest, P parts of a path in one, K quantities.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nastk.costs.allowance import Allowance

SMALLEST = 1e-12  # weight: its logarithm is taken


class ExpectedExcess:
    """The shares of the limits that the expected network has too much, added up."""

    def __init__(self, allowance: Allowance, device: torch.device) -> None:
        limited = [(k, bound) for k, bound in enumerate(allowance.limits.bounds()) if bound is not None]
        groups, prices = allowance.groups, allowance.part_prices
        shape = len(groups), max(map(len, groups))
        num_parts = max(len(part) for group in groups for part in group)
        self.places = torch.zeros(*shape, num_parts, 2, dtype=torch.int64, device=device)  # decision, option
        self.counts = torch.zeros(*shape, num_parts, dtype=torch.float64, device=device)
        self.absent = torch.ones(shape, dtype=torch.bool, device=device)
        # In shares of the limits, [G, A, K].
        self.shares = torch.zeros(*shape, len(limited), dtype=torch.float64, device=device)
        self.fixed = torch.tensor(
            [allowance.prices.fixed[k] / bound for k, bound in limited], dtype=torch.float64, device=device
        )
        for g, group in enumerate(groups):
            for a, part in enumerate(group):
                self.absent[g, a] = False
                self.places[g, a, : len(part)] = torch.tensor(part)
                self.counts[g, a, : len(part)] = 1.0
                self.shares[g, a] = torch.tensor([prices[g][a][k] / bound for k, bound in limited])

    def __call__(self, weights: Tensor) -> Tensor:
        """weights: [D, O], of each decision adding up to 1. A number, 0 where all limits are kept."""
        logs = weights.double().clamp(min=SMALLEST).log()
        chosen = logs[self.places[..., 0], self.places[..., 1]] * self.counts  # [G, A, P]
        probabilities = chosen.sum(dim=-1).masked_fill(self.absent, -torch.inf).softmax(dim=-1)  # [G, A]
        expected = self.fixed + (probabilities[..., None] * self.shares).sum(dim=(0, 1))  # [K]
        return (expected - 1).clamp(min=0).sum()
