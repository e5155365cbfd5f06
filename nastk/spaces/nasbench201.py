"""The space of NAS-Bench-201, which is also the topology space of NATS-Bench: 5^6 = 15,625 cells.

One cell type of four nodes: node 0 is the cell's input, every later node adds up one operation on
each node before it, and node 3 is the output. A genotype's body is the benchmark's own string, such as
|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|
where ~ stands before the input. Sources: NAS-Bench-201 (arXiv 2001.00326), NATS-Bench (arXiv
2009.00437). Legend: D decisions, one an edge (6), O operations (5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from nastk.genotype import Genotype
from nastk.shown import shown
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.decision import Path
from nastk.spaces.decision_space import StringSpace
from nastk.spaces.derivation import SKIP
from nastk.spaces.edge_space import EdgeSpace
from nastk.spaces.mask import Mask
from nastk.spaces.option_space import OptionSpace
from nastk.spaces.space import NetworkSize

NUM_NODES = 4
NONE = "none"
_NODES = tuple(
    re.compile(r"\|" + "".join(rf"([^|~]*)~{source}\|" for source in range(node)))
    for node in range(1, NUM_NODES)
)  # what a node's part of a string looks like


@dataclass(frozen=True)
class NASBench201Space(EdgeSpace, StringSpace, OptionSpace):
    """One operation on every edge of the cell; `none` is a choice like the others."""

    cell_types: ClassVar = ("cell",)
    published_size: ClassVar = NetworkSize(init_channels=16, num_cells=15)
    form: ClassVar = "the benchmark's string |op~0|+|op~0|op~1|+..."
    beginning: ClassVar = r"\|"

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(node, input) of every edge in the benchmark's order, node by node."""
        return tuple((node, source) for node in range(1, NUM_NODES) for source in range(node))

    def check_mask(self, mask: Mask) -> None:
        if not self._connects(mask.allowed):
            raise ValueError("mask: no cell is left whose output depends on its input")

    def genotype(self, options: Sequence[int]) -> Genotype:
        """The genotype of the operations [D], by index."""
        nodes = []
        for node in range(1, NUM_NODES):
            inputs = ((self.operations[options[self.edge_index[node, i]]], i) for i in range(node))
            nodes.append("|" + "".join(f"{operation}~{source}|" for operation, source in inputs))
        return Genotype(self.name, "+".join(nodes))

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:
        chosen = [(self.operations[operation], self.edges[edge]) for edge, operation in self.path(genotype)]
        edges = tuple((name, source, node) for name, (node, source) in chosen if name != NONE)
        return {"cell": ("cell", CellGraph(1, NUM_NODES - 1, edges))}

    def path(self, genotype: Genotype) -> Path:
        """The (decision, operation) pairs, one an edge, `none` included."""
        assert isinstance(genotype.body, str)
        return tuple(enumerate(self.read(genotype.body)))

    def num_skips(self, genotype: Genotype) -> int:
        """How many skips the cell has."""
        skip = self.operations.index(SKIP)
        return sum(operation == skip for _, operation in self.path(genotype))

    def figures(self, genotype: Genotype) -> dict[str, int]:
        return {"skips": self.num_skips(genotype)}

    def is_connected(self, genotype: Genotype) -> bool:
        """Whether the cell's output depends on its input; that of 341 genotypes does not."""
        return self._connects([[operation] for _, operation in self.path(genotype)])

    def _connects(self, choices: Sequence[Sequence[int]]) -> bool:
        """Whether edges with `choices` [D] allow a way from node 0 to the last without any `none`."""
        none = self.operations.index(NONE)
        reached = {0}
        for (node, source), row in zip(self.edges, choices, strict=True):
            if source in reached and any(operation != none for operation in row):
                reached.add(node)
        return NUM_NODES - 1 in reached

    def read(self, text: str) -> tuple[int, ...]:
        """[D] -> the operation's index, of a string in exactly the benchmark's form."""
        nodes = text.split("+")
        if len(nodes) != NUM_NODES - 1:
            raise ValueError(
                f"arch: expected {NUM_NODES - 1} nodes with + between, found {len(nodes)}: {shown(text)}"
            )
        cell = []
        for node, (pattern, part) in enumerate(zip(_NODES, nodes, strict=True), start=1):
            match = pattern.fullmatch(part)
            if match is None:
                form = "|" + "".join(f"op~{source}|" for source in range(node))
                raise ValueError(f"arch: node {node} must have the form {form}, found {shown(part)}")
            where = f"arch: node {node}"
            cell += [self.operation_index(where, operation) for operation in match.groups()]
        return tuple(cell)


NASBENCH201 = NASBench201Space(
    "nasbench201", (NONE, "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
)
