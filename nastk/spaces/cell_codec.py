"""The continuous encoding of cells of the DARTS family.

RelativeNAS (arXiv 2009.06193, section III-A): cell type by cell type, node by node, for each of the
node's two inputs a value for the input and one for the operation: 32 reals for two cells of four nodes.
Legend: D decisions, D' dimensions of the encoding.
"""

from __future__ import annotations

from collections.abc import Sequence

from nastk.genotype import Genotype
from nastk.spaces.cell_topology import PAIRS_PER_NODE, CellTopology
from nastk.spaces.codec import centre, choose, outside


class CellCodec:
    """Between vectors of reals [D'] and the genotypes of `space` that choose among `choices` [D].

    upper: the upper bound of each dimension (the lower is 0): the number of inputs of the node for
        an input value, the number of operations that a genotype may contain for an operation value.
    """

    def __init__(self, space: CellTopology, choices: tuple[tuple[int, ...], ...]) -> None:
        self.space = space
        self.choices = choices
        num_operations = len(space.operations) - ("none" in space.operations)
        self.upper: tuple[int, ...] = tuple(
            bound
            for _ in space.cell_types
            for node in space.concat
            for _ in range(PAIRS_PER_NODE)
            for bound in (node, num_operations)
        )

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector [D'] within the box."""
        assert len(vector) == len(self.upper)
        values = iter(zip(vector, self.upper, strict=True))
        cells = []
        for cell_type in range(len(self.space.cell_types)):
            pairs = []
            for node in self.space.concat:
                taken: list[int] = []
                for _ in range(PAIRS_PER_NODE):
                    source = choose(self._sources(cell_type, node, taken), *next(values))
                    options = self.choices[self.space.decision(cell_type, node, source)]
                    pairs.append((self.space.operations[choose(options, *next(values))], source))
                    taken.append(source)
            cells.append(tuple(pairs))
        return self.space.genotype(cells)

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of the box that decodes to `genotype`; ValueError if the mask forbids it."""
        vector: list[float] = []
        num_edges = len(self.space.edges)
        taken: list[int] = []
        for place, (decision, operation) in enumerate(self.space.path(genotype)):
            cell_type, edge = divmod(decision, num_edges)
            node, source = self.space.edges[edge]
            if place % PAIRS_PER_NODE == 0:  # the node's first input
                taken = []
            sources = self._sources(cell_type, node, taken)
            operations = self.choices[decision]
            if source not in sources or operation not in operations:
                raise outside(self.space.decisions[decision])
            taken.append(source)
            for choice, options in ((source, sources), (operation, operations)):
                vector.append(centre(options, choice, self.upper[len(vector)]))
        return vector

    def _sources(self, cell_type: int, node: int, taken: list[int]) -> tuple[int, ...]:
        """The inputs the node may still take: those with an operation left, minus the taken ones."""
        return tuple(
            source
            for source in range(node)
            if self.choices[self.space.decision(cell_type, node, source)]
            and not (self.space.distinct_inputs and source in taken)
        )
