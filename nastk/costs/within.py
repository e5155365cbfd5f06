"""The strongest choice within limits: of every group one alternative, at the least loss of strength.

A multiple-choice knapsack with one limit a quantity, solved exactly: branch and bound, the bound being
the Lagrangian relaxation's (Fisher, The Lagrangian Relaxation Method, Management Science 1981).
Legend: G groups, K quantities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

ROUNDS = 60  # of the subgradient method: a tighter bound, not another result
SLACK = 1e-12  # of sums of the same numbers in another order


class Alternative(NamedTuple):
    strength: float
    price: tuple[float, ...]  # [K], each at least 0


def strongest_within(groups: Sequence[Sequence[Alternative]], limits: Sequence[float]) -> list[int] | None:
    """One alternative of every group, by index [G]: of those whose prices add up to `limits` [K] at most the
    choice of most strength in all. None: there is none within the limits.
    """
    left = [_useful(group) for group in groups]
    cheapest = [
        [min(group[place].price[k] for place in kept) for k in range(len(limits))]
        for group, kept in zip(groups, left, strict=True)
    ]
    if any(sum(row[k] for row in cheapest) > limits[k] for k in range(len(limits))):
        return None
    return _Search(groups, left, cheapest, limits).run()


def _useful(group: Sequence[Alternative]) -> list[int]:
    """Those than which no other is as strong and as cheap; of equals the first."""
    kept: list[int] = []
    for place in sorted(range(len(group)), key=lambda place: (-group[place].strength, group[place].price)):
        price = group[place].price
        if not any(all(a <= b for a, b in zip(group[other].price, price, strict=True)) for other in kept):
            kept.append(place)
    return kept


class _Search:
    def __init__(
        self,
        groups: Sequence[Sequence[Alternative]],
        left: list[list[int]],
        cheapest: list[list[float]],
        limits: Sequence[float],
    ) -> None:
        self.groups, self.left, self.limits = groups, left, limits
        num = len(groups)
        quantities = range(len(limits))
        # What the groups from g on cost at least, [G + 1, K].
        self.rest = [[sum(row[k] for row in cheapest[g:]) for k in quantities] for g in range(num + 1)]
        self.best: list[int] | None = None
        self.most = float("-inf")
        self.multipliers = self._multipliers()
        reduced = [[(self._reduced(groups[g][place]), place) for place in left[g]] for g in range(num)]
        self.order = [sorted(row, key=lambda one: -one[0]) for row in reduced]
        # What the groups from g on add to the relaxed strength at most, [G + 1].
        self.gain = [sum(row[0][0] for row in self.order[g:]) for g in range(num + 1)]

    def run(self) -> list[int] | None:
        self._extend([], 0.0, [0.0] * len(self.limits))
        return self.best

    def _reduced(self, one: Alternative) -> float:
        return one.strength - sum(m * p for m, p in zip(self.multipliers, one.price, strict=True))

    def _multipliers(self) -> list[float]:
        """Prices of the quantities [K] that make the relaxation tight, by subgradients."""
        scale = [max(limit, 1e-9) for limit in self.limits]
        multipliers = [0.0] * len(self.limits)
        spread = sum(max(one.strength for one in group) for group in self.groups)
        lowest, found = float("inf"), multipliers
        for number in range(ROUNDS):
            self.multipliers = multipliers
            chosen = [
                max((group[p] for p in kept), key=self._reduced)
                for group, kept in zip(self.groups, self.left, strict=True)
            ]
            totals = [sum(one.price[k] for one in chosen) for k in range(len(scale))]
            bound = sum(map(self._reduced, chosen)) + sum(
                m * limit for m, limit in zip(multipliers, self.limits, strict=True)
            )
            if bound < lowest:
                lowest, found = bound, multipliers
            step = spread / (1 + number)
            multipliers = [
                max(0.0, m + step * (total / limit - 1) / limit)
                for m, total, limit in zip(multipliers, totals, scale, strict=True)
            ]
        return found

    def _extend(self, chosen: list[int], strength: float, spent: list[float]) -> None:
        """Try all ways on from `chosen`, the most promising first, that may be better than the best so far."""
        g = len(chosen)
        if g == len(self.groups):
            if strength > self.most:
                self.best, self.most = list(chosen), strength
            return
        room = [limit - used for limit, used in zip(self.limits, spent, strict=True)]
        relaxed = (
            strength + sum(m * r for m, r in zip(self.multipliers, room, strict=True)) + self.gain[g + 1]
        )
        for reduced, place in self.order[g]:
            if relaxed + reduced <= self.most + SLACK:
                return
            one = self.groups[g][place]
            if all(p + rest <= r for p, rest, r in zip(one.price, self.rest[g + 1], room, strict=True)):
                self._extend(
                    [*chosen, place],
                    strength + one.strength,
                    [used + p for used, p in zip(spent, one.price, strict=True)],
                )
