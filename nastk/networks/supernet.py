"""Supernet: what methods ask of a weight-sharing network, whatever its space.

A class to build on, not a protocol, because methods ask of it all that a torch module has, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from nastk.networks.gates import Gates
from nastk.networks.regions import Regional
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.space import Space


class Supernet(Regional, ABC):
    """The network of all architectures of a space under a mask; gates say what of it runs.

    The registry builds one as Supernet(space, mask, init_channels=, num_cells=, num_classes=,
    channels_in=, image_size=), where image_size is (H, W); ValueError for what cannot be built.
    """

    @abstractmethod
    def forward(
        self,
        images: Tensor,
        gates: Gates,
        masks: Tensor | None = None,
        skip_dropout: SkipDropout | None = None,
    ) -> Tensor:
        """Logits [N, num_classes] of images [N, C, H, W]; only the options listed in the gates are computed.

        masks: of drop path, [num_drop_paths(gates), N, 1, 1, 1]. skip_dropout: after skips, in training.
        """

    @abstractmethod
    def num_drop_paths(self, gates: Gates) -> int:
        """How many branches of what the gates let run are subject to drop path."""

    @abstractmethod
    def path_names(self, gates: Gates) -> list[str]:
        """State-dict names of all that a path uses: its options' tensors, and what no option owns."""

    @abstractmethod
    def decision_parameters(self, decision: int) -> list[nn.Parameter]:
        """The parameters of all options of a decision."""

    @abstractmethod
    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters between the decisions, through which every path goes."""

    @classmethod
    @abstractmethod
    def num_layers(cls, space: Space) -> Sequence[Sequence[int]]:
        """How many layers with weights each option has, [D][O]: what it keeps in memory grows with them."""
