"""The continuous encoding of cells: a vector of reals in a box, decoded by truncation.

RelativeNAS (arXiv 2009.06193, section III-A): cell type by cell type, node by node, for each of the
node's two inputs a value for the input and one for the operation: 32 reals for two cells of four
nodes. Where every edge has an operation there is nothing else to choose, and one value an edge.
A value v in [0, upper] with k choices means choice ceil(v k / upper) - 1, and 0 means
choice 0: the intervals are (i, i + 1] upper / k, so the clipped upper bound is the last choice.
Without a mask k = upper, which is the paper's truncation; a mask re-partitions the interval over
what it allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nastk.genotype import Genotype

if TYPE_CHECKING:
    from nastk.spaces.cell import CellSpace
    from nastk.spaces.mask import Mask
    from nastk.spaces.nasbench201 import NASBench201Space


class CellCodec:
    """Between vectors of reals [D] and the genotypes of `space` that choose among `choices` [T][E].

    upper: the upper bound of each dimension (the lower is 0): the number of inputs of the node for
        an input value, the number of operations that a genotype may contain for an operation value.
    """

    def __init__(self, space: CellSpace, choices: tuple[tuple[tuple[int, ...], ...], ...]) -> None:
        self.space = space
        self.choices = choices
        num_operations = len(space.operations) - ("none" in space.operations)
        self.upper: tuple[int, ...] = tuple(
            bound
            for _ in space.cell_types
            for node in space.concat
            for _ in range(2)
            for bound in (node, num_operations)
        )

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector [D] within the box."""
        assert len(vector) == len(self.upper)
        values = iter(zip(vector, self.upper, strict=True))
        cells = []
        for cell_type in range(len(self.space.cell_types)):
            pairs = []
            for node in self.space.concat:
                taken: list[int] = []
                for _ in range(2):
                    source = choose(self._sources(cell_type, node, taken), *next(values))
                    edge = self.space.edge_index[node, source]
                    operation = choose(self.choices[cell_type][edge], *next(values))
                    pairs.append((self.space.operations[operation], source))
                    taken.append(source)
            cells.append(tuple(pairs))
        return self.space.genotype(cells)

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of the box that decodes to `genotype`; ValueError if the mask forbids it."""
        vector: list[float] = []
        for cell_type, pairs in enumerate(self.space.paths(genotype)):
            taken: list[int] = []
            for place, (edge, operation) in enumerate(pairs):
                node, source = self.space.edges[edge]
                if place % 2 == 0:  # the node's first input
                    taken = []
                sources = self._sources(cell_type, node, taken)
                operations = self.choices[cell_type][edge]
                if source not in sources or operation not in operations:
                    raise _outside(edge, cell_type)
                taken.append(source)
                for choice, options in ((source, sources), (operation, operations)):
                    vector.append(centre(options, choice, self.upper[len(vector)]))
        return vector

    def _sources(self, cell_type: int, node: int, taken: list[int]) -> tuple[int, ...]:
        """The inputs the node may still take: those with an operation left, minus the taken ones."""
        return tuple(
            source
            for source in range(node)
            if self.choices[cell_type][self.space.edge_index[node, source]]
            and not (self.space.distinct_inputs and source in taken)
        )


class EdgeCodec:
    """Between vectors of reals [T * E], one an edge, and the genotypes of `space` under `mask`.

    upper: the upper bound of each dimension (the lower is 0): the number of operations.
    """

    def __init__(self, space: NASBench201Space, mask: Mask) -> None:
        self.space = space
        self.mask = mask
        self.upper: tuple[int, ...] = tuple(len(space.operations) for edges in mask.allowed for _ in edges)

    def decode(self, vector: Sequence[float]) -> Genotype:
        """The genotype of a vector [T * E] within the box."""
        values = iter(zip(vector, self.upper, strict=True))
        return self.space.genotype(
            [[choose(row, *next(values)) for row in edges] for edges in self.mask.allowed]
        )

    def encode(self, genotype: Genotype) -> list[float]:
        """The centre of the box that decodes to `genotype`; ValueError if the mask forbids it."""
        vector: list[float] = []
        for cell_type, path in enumerate(self.space.paths(genotype)):
            for edge, operation in path:
                row = self.mask.allowed[cell_type][edge]
                if operation not in row:
                    raise _outside(edge, cell_type)
                vector.append(centre(row, operation, self.upper[len(vector)]))
        return vector


def choose(options: Sequence[int], value: float, upper: int) -> int:
    """The option that a value in [0, upper] means."""
    # Without a mask the value is used as it is: scaling by k / upper = 1 would only add rounding.
    scaled = value if len(options) == upper else value * len(options) / upper
    return options[min(max(math.ceil(scaled) - 1, 0), len(options) - 1)]


def centre(options: Sequence[int], choice: int, upper: int) -> float:
    """The middle of the values in [0, upper] that mean `choice`."""
    return (options.index(choice) + 0.5) * upper / len(options)


def _outside(edge: int, cell_type: int) -> ValueError:
    return ValueError(f"the genotype is outside the sub-space at edge {edge} of cell type {cell_type}")
