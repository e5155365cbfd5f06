"""The discrete network of a cell genotype, which evaluation and transfer train from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.genotype import Genotype
from nastk.networks.blocks import Block, NetworkSettings, shape_words
from nastk.networks.drop_path import apply_operation, in_turn, is_droppable
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
from nastk.networks.network import MapSize, Network
from nastk.networks.operations import build_operation
from nastk.networks.regions import cell_region, run_cell
from nastk.spaces.cell_topology import NUM_INPUTS, PAIRS_PER_NODE, CellPair, CellTopology, Pair
from nastk.spaces.space import Space


class Cell(nn.Module):
    """One cell: every (operation, input) pair has weights of its own, also where two are alike."""

    def __init__(self, pairs: tuple[Pair, ...], place: CellPlace) -> None:
        super().__init__()
        self.sources = [source for _, source in pairs]
        self.preprocess = Preprocess(place, affine=True)
        self.operations = nn.ModuleList(
            build_operation(name, place.channels, _stride(place, source), affine=True, pool_norm=False)
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

    region = staticmethod(cell_region)

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
        body = genotype.body
        assert isinstance(body, CellPair)
        self.stem = _build_stem(stem, channels_in, init_channels)
        cell_places = places(
            num_cells, init_channels, self.stem.channels, len(body.concat), after_reduction=stem == "imagenet"
        )
        self.cells = nn.ModuleList(
            Cell(body.reduce if place.reduction else body.normal, place) for place in cell_places
        )
        widths = [place.channels * len(body.concat) for place in cell_places]
        self.map_sizes = tuple(_map_sizes(self.stem, cell_places, widths))
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
        head = self.auxiliary if self.training and len(images) > 1 else None
        auxiliary_logits = None
        states = enumerate(self._states(images, masks), start=-NUM_INPUTS)
        for position, (output, rectified) in states:  # noqa: B007  (the last output is used)
            if position == self.auxiliary_after and head is not None:
                auxiliary_logits = head(rectified)
        return self.classifier(output), auxiliary_logits

    def maps(self, images: Tensor, masks: Tensor | None = None) -> Iterator[Tensor]:
        """The two of the stem, which are behind a ReLU, and every cell's output, which is not."""
        return (output for output, _ in self._states(images, masks))

    def _states(self, images: Tensor, masks: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
        """What cells read, from the stem's two on: as it is made, and behind the ReLU that its readers share."""
        s0, s1 = self.stem(images)
        yield s0, s0
        yield s1, s1
        rest, run = in_turn(masks, s1), self.run_on(images)
        for cell in self.cells:
            output = run_cell(run, cell, (s0, s1), rest)
            s0, s1 = s1, F.relu(output)
            yield output, s1

    @classmethod
    def building_blocks(cls, space: Space, settings: NetworkSettings) -> Iterator[Block]:
        assert isinstance(space, CellTopology)
        stem, channels, shape = settings.stem, settings.init_channels, settings.image_shape
        check_image_size(*settings.image_size, num_cells=settings.num_cells, stem=stem)
        build_stem = partial(_build_stem, stem, settings.channels_in, channels)
        yield Block(f"{stem} stem to {channels} of {shape_words(shape)}", None, build_stem, (shape,))

        halved = stem == "imagenet"
        height, width = (side // (8 if halved else 1) for side in settings.image_size)
        cell_places = places(
            settings.num_cells, channels, build_stem().channels, len(space.concat), after_reduction=halved
        )
        for place in cell_places:
            scale = 2 if place.after_reduction else 1
            first = (place.channels_in[0], scale * height, scale * width)
            second = (place.channels_in[1], height, width)
            yield Block(
                f"preprocessing to {place.channels} of {shape_words(first)} and {shape_words(second)}",
                None,
                partial(Preprocess, place, affine=True),
                (first, second),
            )
            yield from _choices(space, place, height, width)
            if place.reduction:
                height, width = height // 2, width // 2
        outputs = place.channels * len(space.concat)
        shape = (outputs, height, width)
        kind = f"classifier to {settings.num_classes} of {shape_words(shape)}"
        yield Block(kind, None, partial(Classifier, outputs, settings.num_classes), (shape,))


def _choices(space: CellTopology, place: CellPlace, height: int, width: int) -> Iterator[Block]:
    """Every operation of every edge of the cell at `place`, whose preprocessed inputs are [C, height, width]."""
    for node, source in space.edges:
        decision = space.decision(place.cell_type, node, source)
        stride = _stride(place, source)
        scale = 2 if place.reduction and source >= NUM_INPUTS else 1
        shape = (place.channels, height // scale, width // scale)
        for option, name in enumerate(space.operations):
            if name == "none":  # is never chosen
                continue
            build = partial(build_operation, name, place.channels, stride, affine=True, pool_norm=False)
            yield Block(
                f"{name} stride {stride} of {shape_words(shape)}", (decision, option), build, (shape,)
            )


def _map_sizes(
    stem: CifarStem | ImageNetStem, cell_places: list[CellPlace], widths: list[int]
) -> Iterator[MapSize]:
    yield from map(MapSize, stem.channels, stem.reductions)
    reduction = stem.reductions[-1]
    for place, width in zip(cell_places, widths, strict=True):
        reduction *= 2 if place.reduction else 1
        yield MapSize(width, reduction)


def _stride(place: CellPlace, source: int) -> int:
    return 2 if place.reduction and source < NUM_INPUTS else 1


def _build_stem(stem: str, channels_in: int, init_channels: int) -> CifarStem | ImageNetStem:
    if stem == "imagenet" and init_channels < 2:
        raise ValueError("network.init_channels: the imagenet stem needs at least 2, found 1")
    return (ImageNetStem if stem == "imagenet" else CifarStem)(channels_in, init_channels)
