"""The cell space of the DARTS family: two cell types, each a small graph of operations.

A cell has two inputs (0: the output of the cell before the previous one, 1: of the previous one)
and the nodes 2, 3, ...; a node adds up two chosen (operation, input) pairs, and the cell's output
is the concatenation of its nodes. Sources: DARTS (arXiv 1806.09055, section 2.1), RelativeNAS
(arXiv 2009.06193). Legend: T cell types, E edges, O operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from nastk.genotype import Genotype, shown
from nastk.spaces import derivation
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.codec import CellCodec
from nastk.spaces.mask import Mask
from nastk.spaces.space import NetworkSize, Space

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
class CellSpace(Space):
    """Which operations and topologies a cell may have, and how its supernet builds them.

    distinct_inputs: the two inputs of a node must differ (DARTS) or may be the same (RelativeNAS).
    affine: the supernet's batch norms have a scale and a shift.
    pool_norm: in the supernet, pooling is followed by a batch norm.
    """

    distinct_inputs: bool
    affine: bool
    pool_norm: bool
    num_nodes: int = 4

    cell_types: ClassVar = ("normal", "reduce")
    published_size: ClassVar = NetworkSize(init_channels=36, num_cells=20)

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

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:
        body = genotype.body
        assert isinstance(body, CellPair)
        titles = {"normal": "normal cell", "reduce": "reduction cell"}
        return {
            key: (title, CellGraph.of_pairs(body.cell(key), body.concat)) for key, title in titles.items()
        }

    def choices_under(self, mask: Mask) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """[T][E] -> the operations a genotype may choose there: the allowed ones but `none`.

        Raises ValueError if the mask leaves some node without enough inputs.
        """
        none = self.operations.index("none") if "none" in self.operations else -1
        choices = tuple(
            tuple(tuple(operation for operation in row if operation != none) for row in edges)
            for edges in mask.allowed
        )
        needed = PAIRS_PER_NODE if self.distinct_inputs else 1
        for cell_type, rows in zip(self.cell_types, choices, strict=True):
            for node in self.concat:
                usable = sum(bool(rows[self.edge_index[node, source]]) for source in range(node))
                if usable < needed:
                    raise ValueError(
                        f"mask: node {node} of the {cell_type} cell has {usable} usable inputs, not {needed}"
                    )
        return choices

    def genotype(self, cells: Sequence[tuple[Pair, ...]]) -> Genotype:
        """The genotype of one cell a cell type, each as (operation, input) pairs node by node."""
        normal, reduce = cells
        return Genotype(self.name, CellPair(normal, reduce, self.concat))

    def codec(self, mask: Mask) -> CellCodec:
        """The continuous encoding of the genotypes that obey `mask`."""
        return CellCodec(self, self.choices_under(mask))

    def derive(self, mask: Mask, strengths: derivation.Strengths) -> Genotype:
        """The genotype of the strongest operations [T][E][O], by DARTS's rule."""
        return derivation.derive_darts(self, mask, strengths)

    def num_skips(self, genotype: Genotype) -> int:
        """How many skips the normal cell has."""
        assert isinstance(genotype.body, CellPair)
        return derivation.num_skips(genotype.body.normal)

    def paths(self, genotype: Genotype) -> tuple[tuple[tuple[int, int], ...], ...]:
        """[T] -> the chosen (edge, operation index) pairs; a pair stands twice if chosen twice."""
        body = genotype.body
        assert isinstance(body, CellPair)
        return tuple(
            tuple(
                (
                    self.edge_index[NUM_INPUTS + position // PAIRS_PER_NODE, source],
                    self.operations.index(operation),
                )
                for position, (operation, source) in enumerate(body.cell(cell_type))
            )
            for cell_type in self.cell_types
        )

    def body_to_json(self, body: CellPair) -> dict[str, Any]:
        return {
            "normal": [list(pair) for pair in body.normal],
            "reduce": [list(pair) for pair in body.reduce],
            "concat": list(body.concat),
        }

    def body_from_json(self, content: dict[str, Any]) -> CellPair:
        """The cells of a genotype file; a ValueError names the field at fault."""
        concat = content.get("concat")
        if concat != list(self.concat) or not all(map(_is_index, concat)):
            raise ValueError(f"concat: expected {list(self.concat)}, found {shown(concat)}")
        return CellPair(self._cell("normal", content), self._cell("reduce", content), self.concat)

    def _cell(self, field: str, content: dict[str, Any]) -> tuple[Pair, ...]:
        pairs = content.get(field)
        expected = PAIRS_PER_NODE * self.num_nodes
        if not isinstance(pairs, list) or len(pairs) != expected:
            found = f"{len(pairs)}" if isinstance(pairs, list) else shown(pairs)
            raise ValueError(f"{field}: expected {expected} (operation, input) pairs, found {found}")
        for position, pair in enumerate(pairs):
            where = f"{field}[{position}]"
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"{where}: expected [operation, input], found {shown(pair)}")
            operation, source = pair
            if operation == "none":
                raise ValueError(f"{where}: 'none' cannot be part of a found cell")
            self.operation_index(where, operation)
            node = NUM_INPUTS + position // PAIRS_PER_NODE
            if not _is_index(source) or not 0 <= source < node:
                raise ValueError(
                    f"{where}: the input of node {node} must be 0 to {node - 1}, found {shown(source)}"
                )
            if self.distinct_inputs and position % PAIRS_PER_NODE and source == pairs[position - 1][1]:
                raise ValueError(
                    f"{where}: node {node} takes input {source} twice, which space {self.name!r} forbids"
                )
        return tuple((operation, source) for operation, source in pairs)


def _is_index(value: Any) -> bool:
    """An integer proper: JSON's true and 1.0 compare equal to 1."""
    return type(value) is int


_PARAMETRIC = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)

DARTS = CellSpace("darts", ("none", *_PARAMETRIC), distinct_inputs=True, affine=False, pool_norm=True)
RELATIVENAS = CellSpace("relativenas", _PARAMETRIC, distinct_inputs=False, affine=True, pool_norm=False)
