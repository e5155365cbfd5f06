"""Layered drawing of a small graph: the order of each column's items, and their heights on the page.

The usual two steps of Sugiyama, Tagawa and Toda (1981) for a graph whose links join neighbouring
columns only (a longer link passes through an item of its own in every column between): barycentre
sweeps for few crossings, then, in that order, least-squares positions that straighten the links.
No random numbers and no iteration over sets: the same graph is drawn the same way everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

# A seed multiplies the items' numbers modulo a prime: other orders to start the sweeps from.
_SEEDS = (1, 2, 5, 17, 29, 44, 58, 71, 83, 96)
_PRIME = 97
_ORDER_SWEEPS = 8
_PLACE_SWEEPS = 200


@dataclass
class Graph:
    """Items 0, 1, ... in columns from left to right; the first column's order is kept."""

    columns: list[list[int]]
    heights: list[float] = field(default_factory=list)  # of each item
    links: list[tuple[int, int, float]] = field(default_factory=list)  # (left, right, pull to be straight)

    def add(self, column: int, height: float) -> int:
        """A new item of a column."""
        self.heights.append(height)
        self.columns[column].append(len(self.heights) - 1)
        return len(self.heights) - 1


def order(graph: Graph) -> list[list[int]]:
    """The columns reordered so that few links cross and, of such orders, one near the given."""
    best = graph.columns
    fewest = _cost(graph, best)
    for seed in _SEEDS:
        columns = [graph.columns[0]] + [
            sorted(column, key=lambda item: ((item + 1) * seed % _PRIME, item))
            for column in graph.columns[1:]
        ]
        for _ in range(_ORDER_SWEEPS):
            for index in range(1, len(columns)):
                columns[index] = _by_barycentre(graph, columns[index], columns[index - 1])
            for index in range(len(columns) - 2, 0, -1):
                columns[index] = _by_barycentre(graph, columns[index], columns[index + 1])
            cost = _cost(graph, columns)
            if cost < fewest:
                best, fewest = list(columns), cost
    return best


def place(graph: Graph, columns: Sequence[Sequence[int]], gap: float) -> list[float]:
    """The vertical centre of each item, those of a column at least `gap` apart from edge to edge."""
    centres = [0.0] * len(graph.heights)
    neighbours: list[list[tuple[int, float]]] = [[] for _ in graph.heights]
    for left, right, pull in graph.links:
        neighbours[left].append((right, pull))
        neighbours[right].append((left, pull))
    for column in columns:
        _settle(graph, column, [0.0] * len(column), [1.0] * len(column), gap, centres)
    for sweep in range(_PLACE_SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            weights = [sum(pull for _, pull in neighbours[item]) or 1e-3 for item in column]
            wanted = [
                sum(pull * centres[other] for other, pull in neighbours[item]) / weight
                for item, weight in zip(column, weights, strict=True)
            ]
            _settle(graph, column, wanted, weights, gap, centres)
    return centres


def straighten(
    graph: Graph, columns: Sequence[Sequence[int]], centres: list[float], chain: Sequence[int], gap: float
) -> None:
    """Bring the items of a chain to one height, if there is one that their neighbours leave free."""
    lowest, highest = -math.inf, math.inf
    for column in columns:
        for above, below in pairwise(column):
            apart = (graph.heights[above] + graph.heights[below]) / 2 + gap
            if below in chain:
                lowest = max(lowest, centres[above] + apart)
            if above in chain:
                highest = min(highest, centres[below] - apart)
    if chain and lowest <= highest:
        height = sum(centres[item] for item in chain) / len(chain)
        for item in chain:
            centres[item] = min(max(height, lowest), highest)


def crossings(graph: Graph, columns: Sequence[Sequence[int]]) -> int:
    """How many pairs of links cross."""
    rank = {item: position for column in columns for position, item in enumerate(column)}
    depth = {item: index for index, column in enumerate(columns) for item in column}
    count = 0
    for index, (left, right, _) in enumerate(graph.links):
        for other_left, other_right, _ in graph.links[:index]:
            if depth[left] == depth[other_left]:
                count += (rank[left] - rank[other_left]) * (rank[right] - rank[other_right]) < 0
    return count


def _cost(graph: Graph, columns: Sequence[Sequence[int]]) -> tuple[int, int]:
    """The crossings, then the pairs of items that stand the other way round than given."""
    turned = sum(above > below for column in columns for above, below in combinations(column, 2))
    return crossings(graph, columns), turned


def _by_barycentre(graph: Graph, column: Sequence[int], fixed: Sequence[int]) -> list[int]:
    """The column sorted by the mean position of each item's neighbours in the fixed column."""
    position = {item: index for index, item in enumerate(fixed)}
    met: dict[int, list[int]] = {item: [] for item in column}
    for left, right, _ in graph.links:
        if left in met and right in position:
            met[left].append(position[right])
        elif right in met and left in position:
            met[right].append(position[left])
    middle = len(fixed) / 2
    return sorted(column, key=lambda item: sum(met[item]) / len(met[item]) if met[item] else middle)


def _settle(
    graph: Graph,
    column: Sequence[int],
    wanted: Sequence[float],
    weights: Sequence[float],
    gap: float,
    centres: list[float],
) -> None:
    """Move a column's items as near to where they are wanted as its order and the gaps allow.

    Less the room that the items above need, the positions must only not decrease: the isotonic
    regression, by pooling adjacent violators.
    """
    room = [0.0]
    for above, below in pairwise(column):
        room.append(room[-1] + (graph.heights[above] + graph.heights[below]) / 2 + gap)
    pools: list[tuple[float, float, int]] = []  # (mean, weight, items)
    for goal, space, weight in zip(wanted, room, weights, strict=True):
        pool = (goal - space, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, other, items = pools.pop()
            total = other + pool[1]
            pool = ((mean * other + pool[0] * pool[1]) / total, total, items + pool[2])
        pools.append(pool)
    settled = [mean for mean, _, items in pools for _ in range(items)]
    for item, position, space in zip(column, settled, room, strict=True):
        centres[item] = position + space
