"""Network: what the training of one architecture asks of its network, whatever its space.

A class to build on, not a protocol, because training asks of it all that a torch module has, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from nastk.networks.blocks import Block, NetworkSettings
from nastk.networks.regions import Regional
from nastk.spaces.space import Space


@dataclass(frozen=True)
class MapSize:
    """Of a map [N, channels, H / reduction, W / reduction] that a network makes of images [N, C, H, W]."""

    channels: int
    reduction: int


class Network(Regional, ABC):
    """The discrete network of a genotype, trained from scratch.

    The registry builds one as Network(genotype, init_channels=, num_cells=, num_classes=, channels_in=,
    stem=, auxiliary=, image_size=), where image_size is (H, W); ValueError for what cannot be built.

    num_drop_paths: how many of its branches are subject to drop path. auxiliary: a second classifier
    that helps in training, and is not part of the network that is used; None without one. map_sizes: of each
    of its `maps`; empty where a class does not offer them. classifier: what makes logits of the last of them.
    """

    num_drop_paths: int
    auxiliary: nn.Module | None
    map_sizes: tuple[MapSize, ...] = ()
    classifier: nn.Module

    @abstractmethod
    def forward(self, images: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logits [N, num_classes] of images [N, C, H, W], and the auxiliary head's.

        masks: of drop path, [num_drop_paths, N, 1, 1, 1]. The auxiliary logits are None in eval mode,
        without the head, and for a single image: its norm sees one value a channel, of which there is no
        variance.
        """

    def maps(self, images: Tensor, masks: Tensor | None = None) -> Iterator[Tensor]:
        """What its parts pass on, one after the other, in the order of `map_sizes`; nothing is kept of them.

        `forward` is the classifier of the last one. Dense tasks build on them (networks/backbone.py).
        """
        raise NotImplementedError

    @classmethod
    def building_blocks(cls, space: Space, settings: NetworkSettings) -> Iterable[Block]:  # noqa: ARG003
        """All that networks of these settings are made of, whichever genotype they are of; no auxiliary head.

        Limits on parameters, MACs and latency need it. ValueError where a class does not say it, and for what
        cannot be built.
        """
        raise ValueError(f"what networks of space {space.name!r} cost is not known: no limits can be kept")
