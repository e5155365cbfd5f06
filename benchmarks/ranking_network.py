"""The small network of the ranking benchmark, in which the cell of NAS-Bench-201 does most of the work.

3x3 convolution to C channels with batch norm, a cell, ReLU and a 3x3 convolution with stride 2 to 2C
channels with batch norm, a cell, average, linear layer. No batch norm has a scale and shift. (In the
benchmark's own networks residual blocks stand between the cells: trained for a minute, they make most
cells equal.) The network of one architecture is the supernet of the mask that allows nothing else.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from nastk import registry
from nastk.genotype import Genotype
from nastk.networks.gates import Gates
from nastk.networks.mixed_edges import MixedSupernet
from nastk.networks.nasbench201 import MixedCell
from nastk.networks.operations import Conv
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.mask import Mask
from nastk.spaces.nasbench201 import NASBENCH201, NASBench201Space

SPACE = dataclasses.replace(NASBENCH201, name="nasbench201-small")


def register() -> None:
    """Make the space known to nastk by its name, with the small supernet; every process needs it."""
    registry.SPACES[SPACE.name] = dataclasses.replace(
        registry.SPACES[NASBENCH201.name],
        target="ranking_network:SPACE",
        supernet="ranking_network:SmallSupernet",
    )


def alone(genotype: Genotype) -> Mask:
    """The mask that allows this architecture only."""
    mask = SPACE.full_mask()
    for decision, operation in SPACE.path(genotype):
        mask = mask.restrict(decision, [operation])
    return mask


class SmallSupernet(MixedSupernet):
    """Takes the arguments of every supernet; two cells, images of any side."""

    def __init__(
        self,
        space: NASBench201Space,
        mask: Mask,
        *,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        channels_in: int,
        image_size: tuple[int, int],  # noqa: ARG002
    ) -> None:
        super().__init__()
        assert num_cells == 2
        self.space = space
        wide = 2 * init_channels
        self.stem = nn.Sequential(
            nn.Conv2d(channels_in, init_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(init_channels, affine=False),
        )
        self.down = Conv(init_channels, wide, kernel=3, stride=2, affine=False)
        self.cells = nn.ModuleList(MixedCell(space, mask.allowed, width) for width in (init_channels, wide))
        self.cell_types = [0, 0]
        self.linear = nn.Linear(wide, num_classes)

    def forward(
        self,
        images: Tensor,
        gates: Gates,
        masks: Tensor | None = None,
        skip_dropout: SkipDropout | None = None,
    ) -> Tensor:
        rest = iter(masks.unbind()) if masks is not None else None
        first, second = self.cells
        x = first(self.stem(images), gates.rows, rest, skip_dropout)
        x = second(self.down(x), gates.rows, rest, skip_dropout)
        logits: Tensor = self.linear(x.mean(dim=(2, 3)))
        return logits

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those of the convolution between the cells."""
        return list(self.down.parameters())
