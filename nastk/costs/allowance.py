"""Allowance: what a search may find, the genotypes of a sub-space whose networks are within limits.

Legend: D decisions, O options, K quantities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch

from nastk.costs.limits import UNITS, Limits
from nastk.costs.prices import Cost, Prices
from nastk.costs.within import Alternative, strongest_within
from nastk.genotype import Genotype
from nastk.spaces.decision import Path, most_options
from nastk.spaces.derivation import Strengths
from nastk.spaces.mask import Mask
from nastk.spaces.space import Composed


class Allowance:
    """The genotypes of `space` under `mask` within `limits`; prices: of networks of the size that is limited."""

    def __init__(self, space: Composed, mask: Mask, prices: Prices, limits: Limits) -> None:
        self.space = space
        self.mask = mask
        self.prices = prices
        self.limits = limits

    def under(self, mask: Mask) -> Allowance:
        """The same limits in another sub-space."""
        return Allowance(self.space, mask, self.prices, self.limits)

    def cost(self, genotype: Genotype) -> Cost:
        return self.prices.of(genotype)

    def excess(self, genotype: Genotype) -> float:
        return self.limits.excess(self.cost(genotype))

    @cached_property
    def is_empty(self) -> bool:
        return self._choose(lambda _: 0.0) is None

    def check(self) -> None:
        """ValueError if nothing is within the limits, with the least that would be possible."""
        if not self.is_empty:
            return
        bounds = self.limits.bounds()
        for name, bound, least in zip(UNITS, bounds, self._least(), strict=True):
            if bound is not None and least > bound:
                shown = f"{least:,.3f}" if name == "latency_ms" else f"{int(least):,}"
                raise ValueError(
                    f"limits.{name}: the smallest network of the space has {shown} {UNITS[name]}, "
                    f"more than {bound:,}"
                )
        raise ValueError(
            f"limits: no network of the space has {self.limits}, though each for itself can be kept"
        )

    def keep(
        self,
        genotype: Genotype,
        strengths: Strengths,
        extra: Callable[[Path], float] | None = None,
        most: float = 0.0,
    ) -> Genotype:
        """The genotype itself if it is within the limits, else `strongest`."""
        return genotype if self.excess(genotype) == 0 else self.strongest(strengths, extra, most)

    def strongest(
        self, strengths: Strengths, extra: Callable[[Path], float] | None = None, most: float = 0.0
    ) -> Genotype:
        """The genotype within the limits whose options have most strength in all.

        strengths: [D][O], comparable between decisions (derivation.fair_strengths). A decision that is taken
        twice counts once, with its stronger option. extra: a further quantity of each part of a path, of which
        there may be `most` in all, if anything is left then.
        """

        def strength(part: Path) -> float:
            best: dict[int, float] = {}
            for decision, option in part:
                best[decision] = max(best.get(decision, 0.0), strengths[decision][option])
            return sum(best.values())

        chosen = self._choose(strength, extra, most) if extra else None
        chosen = chosen or self._choose(strength)
        assert chosen is not None, "check() comes first"
        return self.space.compose(chosen)

    def draw(self, generator: torch.Generator) -> Genotype:
        """A random genotype within the limits: the strongest for random strengths."""
        shape = len(self.space.decisions), most_options(self.space.decisions)
        return self.strongest(torch.rand(shape, dtype=torch.float64, generator=generator).tolist())

    @cached_property
    def groups(self) -> list[list[Path]]:
        return [list(group) for group in self.space.alternatives(self.mask)]

    @cached_property
    def part_prices(self) -> list[list[tuple[float, ...]]]:
        """What every alternative of every group adds, [K] each."""
        return [[self.prices.of_part(part) for part in group] for group in self.groups]

    def _choose(
        self,
        strength: Callable[[Path], float],
        extra: Callable[[Path], float] | None = None,
        most: float = 0.0,
    ) -> list[Path] | None:
        """Of every group the alternative that the strongest choice within the limits has; None if there is none."""
        limited = [(k, bound) for k, bound in enumerate(self.limits.bounds()) if bound is not None]
        room = [bound - self.prices.fixed[k] for k, bound in limited] + ([most] if extra else [])
        groups = [
            [
                Alternative(
                    strength(part), (*(price[k] for k, _ in limited), *([extra(part)] if extra else []))
                )
                for part, price in zip(group, prices, strict=True)
            ]
            for group, prices in zip(self.groups, self.part_prices, strict=True)
        ]
        found = strongest_within(groups, room)
        return (
            None if found is None else [group[place] for group, place in zip(self.groups, found, strict=True)]
        )

    def _least(self) -> Sequence[float]:
        """The least that a network of the sub-space can have of each quantity."""
        num = len(UNITS)
        least = list(self.prices.fixed) + [0.0] * (num - len(self.prices.fixed))
        for prices in self.part_prices:
            for k in range(len(self.prices.fixed)):
                least[k] += min(price[k] for price in prices)
        return least
