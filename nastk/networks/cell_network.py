"""The discrete network of a cell genotype, which evaluation and transfer train from scratch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.genotype import Genotype
from nastk.networks.drop_path import apply_operation, is_droppable
from nastk.networks.layout import (
    AuxiliaryHead,
    CellPlace,
    CifarStem,
    Classifier,
    ImageNetStem,
    Preprocess,
    check_image_size,
    places,
)
from nastk.networks.network import Network
from nastk.networks.operations import build_operation
from nastk.spaces.cell_topology import NUM_INPUTS, PAIRS_PER_NODE, CellPair, Pair


class Cell(nn.Module):
    """One cell: every (operation, input) pair has weights of its own, also where two are alike."""

    def __init__(self, pairs: tuple[Pair, ...], place: CellPlace) -> None:
        super().__init__()
        self.sources = [source for _, source in pairs]
        self.preprocess = Preprocess(place, affine=True)
        self.operations = nn.ModuleList(
            build_operation(
                name,
                place.channels,
                2 if place.reduction and source < NUM_INPUTS else 1,
                affine=True,
                pool_norm=False,
            )
            for name, source in pairs
        )

    def forward(self, s0: Tensor, s1: Tensor, masks: Iterator[Tensor] | None) -> Tensor:
        states = self.preprocess(s0, s1)
        for first in range(0, len(self.sources), PAIRS_PER_NODE):
            branches = [
                apply_operation(self.operations[position], states[self.sources[position]], masks)
                for position in range(first, first + PAIRS_PER_NODE)
            ]
            states.append(branches[0] + branches[1])
        return torch.cat(states[NUM_INPUTS:], dim=1)


class CellNetwork(Network):
    """Stem, `num_cells` cells, classifier, and in training an auxiliary head if asked for.

    Raises ValueError for images whose sides cannot be halved often enough (`image_size`, if given).
    """

    def __init__(
        self,
        genotype: Genotype,
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int = 3,
        stem: str = "cifar",
        auxiliary: bool = False,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if image_size is not None:
            check_image_size(*image_size, num_cells=num_cells, stem=stem)
        if stem == "imagenet" and init_channels < 2:
            raise ValueError("network.init_channels: the imagenet stem needs at least 2, found 1")
        body = genotype.body
        assert isinstance(body, CellPair)
        self.stem: CifarStem | ImageNetStem
        self.stem = (ImageNetStem if stem == "imagenet" else CifarStem)(channels_in, init_channels)
        cell_places = places(
            num_cells, init_channels, self.stem.channels, len(body.concat), after_reduction=stem == "imagenet"
        )
        self.cells = nn.ModuleList(
            Cell(body.reduce if place.reduction else body.normal, place) for place in cell_places
        )
        widths = [place.channels * len(body.concat) for place in cell_places]
        self.auxiliary_after = 2 * num_cells // 3
        self.auxiliary = (
            AuxiliaryHead(widths[self.auxiliary_after], num_classes, stem=stem) if auxiliary else None
        )
        self.classifier = Classifier(widths[-1], num_classes)
        operations = [
            operation for cell in self.cells if isinstance(cell, Cell) for operation in cell.operations
        ]
        self.num_drop_paths = sum(map(is_droppable, operations))

    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        s0, s1 = self.stem(images)
        rest = iter(masks.unbind()) if masks is not None else None
        head = self.auxiliary if self.training and len(images) > 1 else None
        auxiliary_logits = None
        for position, cell in enumerate(self.cells):
            output = cell(s0, s1, rest)
            s0, s1 = s1, F.relu(output)
            if position == self.auxiliary_after and head is not None:
                auxiliary_logits = head(s1)
        return self.classifier(output), auxiliary_logits
