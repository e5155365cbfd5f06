"""A network of a genotype as what dense tasks build on: its maps at several scales, in timm's convention."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from torch import Tensor, nn

from nastk.networks.layout import nearest_sizes
from nastk.networks.network import Network


class Backbone(nn.Module):
    """The maps of a network, one a reduction, from fine to coarse, without its classifier and auxiliary head.

    Of several maps with the same reduction it is the last: what a reduction cell gets of the cell before it, and
    at the end the last cell's output. Outputs of cells are before any ReLU, so that what reads them should begin
    with a convolution; with the ImageNet stem the map of a quarter of the side is the stem's, behind its ReLU.

    network: is taken over, and has no heads from now on. Weights of a classifier fit into it by their names.
    out_indices: which of the maps: 0 the finest, -1 the coarsest; None: all. Their order is always fine to coarse.
    channels, reductions: of each map [N, channels, H / reduction, W / reduction] that is asked for.
    ValueError for an index that there is no map of, and for a network that offers none.
    Source of the form: timm's `features_only`.
    """

    def __init__(self, network: Network, out_indices: Iterable[int] | None = None) -> None:
        super().__init__()
        sizes = network.map_sizes
        if not sizes:
            raise ValueError(
                f"{type(network).__name__} offers no maps, so that only classifiers can be made of it"
            )
        last = {size.reduction: position for position, size in enumerate(sizes)}
        positions = list(last.values())
        chosen = range(len(positions)) if out_indices is None else _checked(out_indices, list(last))
        self.positions = [positions[index] for index in chosen]
        self.channels = tuple(sizes[position].channels for position in self.positions)
        self.reductions = tuple(sizes[position].reduction for position in self.positions)
        self._finest, self._coarsest = min(last), max(last)
        self.network = network
        self.network.classifier, self.network.auxiliary = nn.Identity(), None

    @property
    def num_drop_paths(self) -> int:
        return self.network.num_drop_paths

    def forward(self, images: Tensor, masks: Tensor | None = None) -> list[Tensor]:
        """The maps of images [N, C, H, W], whose sides are multiples of the coarsest map's reduction.

        masks: of drop path, as the network takes them. ValueError for other sides, with the nearest that fit.
        """
        self._check_sides(*images.shape[-2:])
        maps = islice(self.network.maps(images, masks), self.positions[-1] + 1)
        return [one for position, one in enumerate(maps) if position in self.positions]

    def check_reductions(self, wanted: tuple[int, ...], reader: str) -> None:
        """ValueError if its maps are not exactly those that `reader` reads."""
        if self.reductions != wanted:
            needed, found = (
                ", ".join(f"1/{reduction}" for reduction in one) for one in (wanted, self.reductions)
            )
            raise ValueError(f"{reader} reads maps of {needed} of the side, this backbone's are of {found}")

    def _check_sides(self, height: int, width: int) -> None:
        # The way to the finest map rounds halves up, those from there on must be whole.
        rounded = [-(-side // self._finest) * self._finest for side in (height, width)]
        if min(rounded) == 0 or any(side % self._coarsest for side in rounded):
            raise ValueError(
                f"images of {height}x{width} pixels do not fit: both sides must be multiples of {self._coarsest} "
                f"(nearest: {nearest_sizes(height, width, self._coarsest, self._coarsest)})"
            )


def _checked(out_indices: Iterable[int], reductions: list[int]) -> list[int]:
    """The indices in order, each once, from 0 on."""
    num, asked = len(reductions), list(out_indices)
    unknown = [index for index in asked if not -num <= index < num]
    if unknown or not asked:
        found = f"no map {unknown[0]}" if unknown else "no map asked for"
        raise ValueError(
            f"out_indices: {found}: there are {num}, 0 to {num - 1} or -{num} to -1, "
            f"of reductions {', '.join(map(str, reductions))}"
        )
    return sorted({index % num for index in asked})
