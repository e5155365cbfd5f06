"""The weight-sharing network of a cell space: every edge holds all operations its mask allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.drop_path import in_turn
from nastk.networks.gates import Gates, Row
from nastk.networks.layout import CellPlace, CifarStem, Classifier, Preprocess, check_image_size, places
from nastk.networks.mixed_edges import MixedEdges, MixedSupernet
from nastk.networks.mixed_regions import mixed_region, run_mixed_cell
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.cell import CellSpace
from nastk.spaces.cell_topology import NUM_INPUTS
from nastk.spaces.mask import Mask


class MixedCell(MixedEdges):
    """A cell of candidate operations; its output is the concatenation of its nodes."""

    def __init__(self, space: CellSpace, mask: Mask, place: CellPlace) -> None:
        super().__init__(
            space,
            [2 if place.reduction and source < NUM_INPUTS else 1 for source in range(space.concat[-1])],
        )
        self.preprocess = Preprocess(place, affine=space.affine)
        allowed = space.of_type(place.cell_type, mask.allowed)
        self.build(allowed, place.channels, affine=space.affine, pool_norm=space.pool_norm)

    def forward(
        self,
        s0: Tensor,
        s1: Tensor,
        rows: Sequence[Row],
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> Tensor:
        return torch.cat(self.nodes(self.preprocess(s0, s1), rows, masks, dropout), dim=1)


class CellSupernet(MixedSupernet):
    """Stem, cells with all operations that `mask` allows, classifier."""

    region = staticmethod(mixed_region)

    def __init__(
        self,
        space: CellSpace,
        mask: Mask,
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int = 3,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if image_size is not None:
            check_image_size(*image_size, num_cells=num_cells, stem="cifar")
        self.space = space
        self.stem = CifarStem(channels_in, init_channels)
        self.places = places(
            num_cells, init_channels, self.stem.channels, space.num_nodes, after_reduction=False
        )
        self.cell_types = [place.cell_type for place in self.places]
        self.cells = nn.ModuleList(MixedCell(space, mask, place) for place in self.places)
        self.classifier = Classifier(self.places[-1].channels * space.num_nodes, num_classes)

    def forward(
        self,
        images: Tensor,
        gates: Gates,
        masks: Tensor | None = None,
        skip_dropout: SkipDropout | None = None,
    ) -> Tensor:
        s0, s1 = self.stem(images)
        rest, run = in_turn(masks, s1), self.run_on(images)
        for cell_type, cell in zip(self.cell_types, self.cells, strict=True):
            rows = self.space.of_type(cell_type, gates.rows)
            output = run_mixed_cell(run, cell, (s0, s1), rows, rest, skip_dropout)
            s0, s1 = s1, F.relu(output)
        logits: Tensor = self.classifier(output)
        return logits

    def shared_parameters(self) -> list[nn.Parameter]:
        """None: what stands between the cells' operations belongs to the cells."""
        return []
