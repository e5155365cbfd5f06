"""The cell spaces of the DARTS family: how their cells are encoded, derived, drawn and written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from nastk.genotype import Genotype
from nastk.shown import shown
from nastk.spaces.cell_codec import CellCodec
from nastk.spaces.cell_derivation import derive_darts, num_skips
from nastk.spaces.cell_graph import CellGraph
from nastk.spaces.cell_topology import NUM_INPUTS, PAIRS_PER_NODE, CellPair, CellTopology, Pair
from nastk.spaces.derivation import Strengths
from nastk.spaces.mask import Mask
from nastk.spaces.space import NetworkSize


@dataclass(frozen=True, kw_only=True)
class CellSpace(CellTopology):
    """A cell space, and how its supernet builds its cells.

    affine: the supernet's batch norms have a scale and a shift.
    pool_norm: in the supernet, pooling is followed by a batch norm.
    """

    affine: bool
    pool_norm: bool

    published_size: ClassVar = NetworkSize(init_channels=36, num_cells=20)

    def cells(self, genotype: Genotype) -> dict[str, tuple[str, CellGraph]]:
        body = genotype.body
        assert isinstance(body, CellPair)
        titles = {"normal": "normal cell", "reduce": "reduction cell"}
        return {
            key: (title, CellGraph.of_pairs(body.cell(key), body.concat)) for key, title in titles.items()
        }

    def codec(self, mask: Mask) -> CellCodec:
        """The continuous encoding of the genotypes that obey `mask`."""
        return CellCodec(self, self.choices_under(mask))

    def derive(self, mask: Mask, strengths: Strengths) -> Genotype:
        """The genotype of the strongest operations [D][O], by DARTS's rule."""
        return derive_darts(self, mask, strengths)

    def num_skips(self, genotype: Genotype) -> int:
        """How many skips the normal cell has."""
        assert isinstance(genotype.body, CellPair)
        return num_skips(genotype.body.normal)

    def figures(self, genotype: Genotype) -> dict[str, int]:
        return {"skips": self.num_skips(genotype)}

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
