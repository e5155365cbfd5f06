"""The networks of NAS-Bench-201: of one cell everywhere, and of all cells at once.

3x3 convolution to C channels with batch norm, a third of the cells, a residual block to 2C channels on
half the side, a third, a residual block to 4C, a third, then batch norm, ReLU, average, linear layer.
The benchmark's networks have C = 16 and 15 cells. The blocks are not searched. Source: NAS-Bench-201
(arXiv 2001.00326, section 2.1) and its public code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.genotype import Genotype
from nastk.networks.batch_norm import BatchNorm2d
from nastk.networks.blocks import Block, NetworkSettings, shape_words
from nastk.networks.drop_path import apply_operation, in_turn, is_droppable
from nastk.networks.gates import Gates, Row
from nastk.networks.layout import AuxiliaryHead, Classifier, check_image_size, reductions
from nastk.networks.mixed_edges import MixedEdges, MixedSupernet
from nastk.networks.mixed_regions import mixed_region, run_mixed_cell
from nastk.networks.network import MapSize, Network
from nastk.networks.operations import Conv, build_operation
from nastk.networks.regions import cell_region, run_cell
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201, NONE, NUM_NODES, NASBench201Space
from nastk.spaces.space import Space


class Cell(nn.Module):
    """A cell of one operation an edge, by index [E]; a node without any but `none` is zero."""

    def __init__(self, operations: Sequence[int], channels: int) -> None:
        super().__init__()
        names = [NASBENCH201.operations[operation] for operation in operations]
        chosen = [(*ends, name) for ends, name in zip(NASBENCH201.edges, names, strict=True) if name != NONE]
        self.edges = [(node, source) for node, source, _ in chosen]
        self.operations = nn.ModuleList(
            build_operation(name, channels, 1, affine=True, pool_norm=False) for _, _, name in chosen
        )

    def forward(self, x: Tensor, masks: Iterator[Tensor] | None) -> Tensor:
        nodes: list[Tensor] = [x]
        for node in range(1, NUM_NODES):
            total: Tensor | None = None
            for (target, source), operation in zip(self.edges, self.operations, strict=True):
                if target == node:
                    branch = apply_operation(operation, nodes[source], masks)
                    total = branch if total is None else total + branch
            nodes.append(torch.zeros_like(x) if total is None else total)
        return nodes[-1]


class MixedCell(MixedEdges):
    """A cell of candidate operations; its last node is its output."""

    def __init__(self, space: NASBench201Space, allowed: Sequence[Sequence[int]], channels: int) -> None:
        super().__init__(space, strides=[1] * (NUM_NODES - 1))
        self.build(allowed, channels, affine=False, pool_norm=False)

    def forward(
        self,
        x: Tensor,
        rows: Sequence[Row],
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> Tensor:
        return self.nodes([x], rows, masks, dropout)[-1]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions to twice the channels on half the side, and a pooled shortcut around them."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        channels = 2 * channels_in
        self.first = Conv(channels_in, channels, kernel=3, stride=2, affine=True)
        self.second = Conv(channels, channels, kernel=3, affine=True)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels_in, channels, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.shortcut(x) + self.second(self.first(x))
        return y


class NormClassifier(Classifier):
    """Batch norm and ReLU before global average pooling and the linear layer."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(channels, num_classes)
        self.norm = BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.relu(self.norm(x)))


class Skeleton(nn.Module):
    """Everything but the cells' operations; a number among `blocks` is the cell that the block stands before.

    ValueError for what cannot be built: fewer than 3 cells, or images (`image_size`, if given) whose
    sides cannot be halved twice.
    """

    def __init__(
        self,
        make_cell: Callable[[int], nn.Module],  # from its channels
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int,
        image_size: tuple[int, int] | None,
    ) -> None:
        super().__init__()
        _check(num_cells, image_size)
        self.stem = _build_stem(channels_in, init_channels)
        self.cells, self.blocks = nn.ModuleList(), nn.ModuleDict()
        channels = init_channels
        for position in range(num_cells):
            if position in reductions(num_cells):
                self.blocks[str(position)] = ResidualBlock(channels)
                channels *= 2
            self.cells.append(make_cell(channels))
        self.classifier: nn.Module = NormClassifier(channels, num_classes)

    def input_of(self, position: int, x: Tensor) -> Tensor:
        """What a cell gets: the output `x` of the one before, through the block between them if there is one."""
        if str(position) in self.blocks:
            x = self.blocks[str(position)](x)
        return x


class NASBench201Network(Skeleton, Network):
    """The network of a genotype; in training, and not in the benchmark, with an auxiliary head if asked for.

    Operations that the output does not depend on are there and computed as well, as in the benchmark.
    Raises ValueError for any stem but `cifar` and for what Skeleton refuses.
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
        _check_stem(stem)
        path = NASBENCH201.path(genotype)
        super().__init__(
            lambda channels: Cell([operation for _, operation in path], channels),
            init_channels=init_channels,
            num_cells=num_cells,
            num_classes=num_classes,
            channels_in=channels_in,
            image_size=image_size,
        )
        scales = [
            2 ** sum(place <= position for place in reductions(num_cells)) for position in range(num_cells)
        ]
        self.map_sizes = tuple(MapSize(init_channels * scale, scale) for scale in scales)
        self.auxiliary_after = 2 * num_cells // 3
        width = self.map_sizes[-1].channels
        self.auxiliary = AuxiliaryHead(width, num_classes, stem=stem) if auxiliary else None
        self.num_drop_paths = sum(
            is_droppable(operation)
            for cell in self.cells
            if isinstance(cell, Cell)
            for operation in cell.operations
        )

    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        head = self.auxiliary if self.training and len(images) > 1 else None
        auxiliary_logits = None
        for position, x in enumerate(self.maps(images, masks)):
            if position == self.auxiliary_after and head is not None:
                auxiliary_logits = head(F.relu(x))
        return self.classifier(x), auxiliary_logits

    def maps(self, images: Tensor, masks: Tensor | None = None) -> Iterator[Tensor]:
        """Every cell's output."""
        x = self.stem(images)
        rest, run = in_turn(masks, x), self.run_on(images)
        for position, cell in enumerate(self.cells):
            x = run_cell(run, cell, (self.input_of(position, x),), rest)
            yield x

    @classmethod
    def building_blocks(cls, space: Space, settings: NetworkSettings) -> Iterator[Block]:
        _check_stem(settings.stem)
        _check(settings.num_cells, settings.image_size)
        channels, shape = settings.init_channels, settings.image_shape
        build_stem = partial(_build_stem, settings.channels_in, channels)
        yield Block(f"plain stem to {channels} of {shape_words(shape)}", None, build_stem, (shape,))
        shape = (channels, *settings.image_size)
        for position in range(settings.num_cells):
            if position in reductions(settings.num_cells):
                channels, height, width = shape
                kind = f"residual block of {shape_words(shape)}"
                yield Block(kind, None, partial(ResidualBlock, channels), (shape,))
                shape = (2 * channels, height // 2, width // 2)
            for decision, options in enumerate(space.decisions):
                for option, name in enumerate(options.options):
                    if name == NONE:  # nothing stands there
                        continue
                    build = partial(build_operation, name, shape[0], 1, affine=True, pool_norm=False)
                    kind = f"{name} stride 1 of {shape_words(shape)}"
                    yield Block(kind, (decision, option), build, (shape,))
        kind = f"norm and classifier to {settings.num_classes} of {shape_words(shape)}"
        yield Block(kind, None, partial(NormClassifier, shape[0], settings.num_classes), (shape,))


class NASBench201Supernet(Skeleton, MixedSupernet):
    """The supernet; batch norms of its cells have no scale and shift, those of stem, blocks and head do."""

    region = staticmethod(mixed_region)

    def __init__(
        self,
        space: NASBench201Space,
        mask: Mask,
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int = 3,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(
            lambda channels: MixedCell(space, mask.allowed, channels),
            init_channels=init_channels,
            num_cells=num_cells,
            num_classes=num_classes,
            channels_in=channels_in,
            image_size=image_size,
        )
        self.space = space
        self.cell_types = [0] * num_cells

    def forward(
        self,
        images: Tensor,
        gates: Gates,
        masks: Tensor | None = None,
        skip_dropout: SkipDropout | None = None,
    ) -> Tensor:
        x = self.stem(images)
        rest, run = in_turn(masks, x), self.run_on(images)
        for position, cell in enumerate(self.cells):
            x = run_mixed_cell(run, cell, (self.input_of(position, x),), gates.rows, rest, skip_dropout)
        logits: Tensor = self.classifier(x)
        return logits

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those of the residual blocks."""
        return list(self.blocks.parameters())


def _build_stem(channels_in: int, init_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, init_channels, 3, padding=1, bias=False), BatchNorm2d(init_channels)
    )


def _check(num_cells: int, image_size: tuple[int, int] | None) -> None:
    if num_cells < 3:
        raise ValueError(f"network.num_cells: space {NASBENCH201.name!r} needs at least 3, found {num_cells}")
    if image_size is not None:
        check_image_size(*image_size, num_cells=num_cells, stem="cifar")


def _check_stem(stem: str) -> None:
    if stem != "cifar":
        raise ValueError(f"network.stem: space {NASBENCH201.name!r} has the cifar stem only, not {stem}")
