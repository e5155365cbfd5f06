"""A cell as a graph to be drawn or written out, whatever space it is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CellGraph:
    """Inputs 0, 1, ..., the nodes behind them, and the output, whose number follows the last node's.

    num_nodes: the inputs included. edges: (operation, from, to), grouped by where they end, in the
    nodes' order; edges that end at the same place are added up. concat: the nodes whose
    concatenation is the output, if it is no sum.
    """

    num_inputs: int
    num_nodes: int
    edges: tuple[tuple[str, int, int], ...]
    concat: tuple[int, ...] = ()

    @classmethod
    def of_pairs(cls, pairs: Sequence[tuple[str, int]], concat: Sequence[int]) -> CellGraph:
        """A cell of (operation, input) pairs, two a node, node by node, with two inputs."""
        edges = tuple((operation, source, 2 + place // 2) for place, (operation, source) in enumerate(pairs))
        return cls(2, 2 + len(pairs) // 2, edges, tuple(concat))

    @property
    def output(self) -> int:
        return self.num_nodes

    def edges_into(self, node: int) -> list[tuple[str, int, int]]:
        return [edge for edge in self.edges if edge[2] == node]

    def layers(self) -> list[int]:
        """The layer of the inputs (0), of each node (one more than the deepest of its inputs, or 1), and
        of the output, behind all."""
        layers = [0] * self.num_inputs
        for node in range(self.num_inputs, self.num_nodes):
            layers.append(1 + max((layers[source] for _, source, _ in self.edges_into(node)), default=0))
        return [*layers, max(layers) + 1]

    def live(self) -> set[int]:
        """What lies on a way from an input to the output, both included."""
        ways = [(source, node) for _, source, node in self.edges]
        ways += [(node, self.output) for node in self.concat]
        reached = _follow(range(self.num_inputs), ways)
        needed = _follow([self.output], [(node, source) for source, node in reversed(ways)])
        return reached & needed


def _follow(starts: Iterable[int], ways: Sequence[tuple[int, int]]) -> set[int]:
    """The starts and all that the ways lead to from there; a way comes after those that end where it begins."""
    found = set(starts)
    for begin, end in ways:
        if begin in found:
            found.add(end)
    return found
