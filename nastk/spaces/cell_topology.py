"""Which cells the DARTS family has: two cell types, each a small graph of operations.

A cell has two inputs (0: the output of the cell before the previous one, 1: of the previous one)
and the nodes 2, 3, ...; a node adds up two chosen (operation, input) pairs, and the cell's output
is the concatenation of its nodes. Sources: DARTS (arXiv 1806.09055, section 2.1), RelativeNAS
(arXiv 2009.06193). Legend: D decisions, one an edge of each cell type.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from nastk.genotype import Genotype
from nastk.spaces.decision import Path
from nastk.spaces.edge_space import EdgeSpace
from nastk.spaces.mask import Mask

Pair = tuple[str, int]  # (operation, input)
NUM_INPUTS = 2  # of a cell
PAIRS_PER_NODE = 2


@dataclass(frozen=True)
class CellPair:
    """The body of a cell genotype: two (operation, input) pairs a node, node by node."""

    normal: tuple[Pair, ...]
    reduce: tuple[Pair, ...]
    concat: tuple[int, ...]

    def cell(self, cell_type: str) -> tuple[Pair, ...]:
        return self.normal if cell_type == "normal" else self.reduce


@dataclass(frozen=True)
class CellTopology(EdgeSpace):
    """Which operations and inputs the nodes of a cell may have.

    distinct_inputs: the two inputs of a node must differ (DARTS) or may be the same (RelativeNAS).
    """

    distinct_inputs: bool
    num_nodes: int = 4

    cell_types: ClassVar = ("normal", "reduce")

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(node, input) of every edge, node by node: edge = offset of the node + input."""
        nodes = range(NUM_INPUTS, NUM_INPUTS + self.num_nodes)
        return tuple((node, source) for node in nodes for source in range(node))

    @property
    def concat(self) -> tuple[int, ...]:
        return tuple(range(NUM_INPUTS, NUM_INPUTS + self.num_nodes))

    def check_mask(self, mask: Mask) -> None:
        self.choices_under(mask)

    def choices_under(self, mask: Mask) -> tuple[tuple[int, ...], ...]:
        """[D] -> the operations a genotype may choose there: the allowed ones but `none`.

        Raises ValueError if the mask leaves some node without enough inputs.
        """
        none = self.operations.index("none") if "none" in self.operations else -1
        choices = tuple(tuple(operation for operation in row if operation != none) for row in mask.allowed)
        needed = PAIRS_PER_NODE if self.distinct_inputs else 1
        for cell_type, name in enumerate(self.cell_types):
            for node in self.concat:
                usable = sum(bool(choices[self.decision(cell_type, node, source)]) for source in range(node))
                if usable < needed:
                    raise ValueError(
                        f"mask: node {node} of the {name} cell has {usable} usable inputs, not {needed}"
                    )
        return choices

    def alternatives(self, mask: Mask) -> list[list[Path]]:
        """Each node is a group; its alternatives are the two (edge, operation) pairs that it may take."""
        choices = self.choices_under(mask)
        groups = []
        for cell_type in range(len(self.cell_types)):
            for node in self.concat:
                decisions = [self.decision(cell_type, node, source) for source in range(node)]
                pairs = [
                    (one, other)
                    for one, other in itertools.combinations_with_replacement(decisions, PAIRS_PER_NODE)
                    if one != other or not self.distinct_inputs
                ]
                groups.append(
                    [
                        tuple(zip(pair, operations, strict=True))
                        for pair in pairs
                        for operations in itertools.product(*(choices[decision] for decision in pair))
                    ]
                )
        return groups

    def compose(self, parts: Sequence[Path]) -> Genotype:
        """The genotype of one alternative a node."""
        pairs = [
            (self.operations[operation], self.edges[decision % len(self.edges)][1])
            for part in parts
            for decision, operation in part
        ]
        num_pairs = PAIRS_PER_NODE * self.num_nodes
        return self.genotype(
            [tuple(pairs[first : first + num_pairs]) for first in range(0, len(pairs), num_pairs)]
        )

    def genotype(self, cells: Sequence[tuple[Pair, ...]]) -> Genotype:
        """The genotype of one cell a cell type, each as (operation, input) pairs node by node."""
        normal, reduce = cells
        return Genotype(self.name, CellPair(normal, reduce, self.concat))

    def path(self, genotype: Genotype) -> Path:
        """The chosen (decision, operation) pairs, cell by cell, node by node."""
        body = genotype.body
        assert isinstance(body, CellPair)
        return tuple(
            (first + self._edge_of_pair[position][source], self.operations.index(operation))
            for first, name in zip((0, len(self.edges)), self.cell_types, strict=True)
            for position, (operation, source) in enumerate(body.cell(name))
        )

    @cached_property
    def _edge_of_pair(self) -> list[list[int]]:
        """[position of a pair in its cell][input] -> the edge."""
        return [
            [self.edge_index[node, source] for source in range(node)]
            for node in self.concat
            for _ in range(PAIRS_PER_NODE)
        ]
