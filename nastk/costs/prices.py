"""Prices: what every option of every decision adds to a network's parameters, MACs and latency.

Costs are additive over decisions: a network is the blocks that are always there and those that its choices
bring (networks/blocks.py). Parameters and MACs are exact, latencies a sum of measured ones.
Legend: K quantities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch

from nastk.genotype import Genotype
from nastk.networks.blocks import Block
from nastk.networks.counting import count_macs, count_parameters
from nastk.spaces.decision import Path
from nastk.spaces.space import WithPaths

Price = tuple[float, ...]  # [K]: parameters, MACs and, where it is asked for, ms


# Parameters and MACs of every kind of block that was asked for: they are what they are.
_COUNTED: dict[tuple[str, str], Price] = {}


class Cost(NamedTuple):
    """Of a network without its auxiliary head: parameters, MACs of one image, ms of one image.

    latency_ms: None where it was not asked for.
    """

    params: int
    macs: int
    latency_ms: float | None = None

    def to_json(self) -> dict[str, float]:
        return {name: value for name, value in self._asdict().items() if value is not None}


class Prices:
    """The costs of all genotypes of `space` as networks of one size.

    blocks: of those networks (Network.blocks). latency: the ms of a block, one image; None leaves it out.
    """

    def __init__(
        self, space: WithPaths, blocks: Iterable[Block], latency: Callable[[Block], float] | None = None
    ) -> None:
        self.space = space
        decisions = space.decisions
        zero = (0, 0) if latency is None else (0, 0, 0.0)
        self.fixed: Price = zero
        self.options: list[list[Price]] = [[zero] * len(decision.options) for decision in decisions]
        known: dict[str, Price] = {}
        for block in blocks:
            price = known.get(block.kind)
            if price is None:
                price = known[block.kind] = _price(space.name, block, latency)
            if block.choice is None:
                self.fixed = added(self.fixed, price)
            else:
                decision, option = block.choice
                self.options[decision][option] = added(self.options[decision][option], price)

    def of(self, genotype: Genotype) -> Cost:
        path = self.space.path(genotype)
        return self.cost(added(self.fixed, *(self.options[decision][option] for decision, option in path)))

    def of_part(self, part: Path) -> Price:
        """What a part of a path adds."""
        return added(*(self.options[decision][option] for decision, option in part))

    def cost(self, price: Price) -> Cost:
        """The price of a whole network by its names."""
        params, macs, *latency = price
        return Cost(int(params), int(macs), *latency)


def added(*prices: Price) -> Price:
    return tuple(map(sum, zip(*prices, strict=True)))


def _price(space: str, block: Block, latency: Callable[[Block], float] | None) -> Price:
    price = _COUNTED.get((space, block.kind))
    if price is None:
        with torch.device("meta"):
            module = block.build()
        price = count_parameters(module), count_macs(module, *block.shapes)
        _COUNTED[space, block.kind] = price
    return price if latency is None else (*price, latency(block))
