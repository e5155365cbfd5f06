"""The weight-sharing network of a cell space: every edge holds all operations its mask allows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nastk.networks.drop_path import apply_operation, is_droppable
from nastk.networks.gates import Gates
from nastk.networks.layout import CellPlace, CifarStem, Classifier, Preprocess, check_image_size, places
from nastk.networks.operations import build_operation
from nastk.spaces.cell import NUM_INPUTS, CellSpace
from nastk.spaces.mask import Mask


class MixedCell(nn.Module):
    """A cell whose edges hold candidate operations; the gates say which run and how they are weighted."""

    def __init__(self, space: CellSpace, mask: Mask, place: CellPlace) -> None:
        super().__init__()
        self.edges = space.edges
        self.preprocess = Preprocess(place, affine=space.affine)
        self.operations = nn.ModuleList(
            nn.ModuleDict(
                {
                    str(operation): build_operation(
                        space.operations[operation],
                        place.channels,
                        2 if place.reduction and source < NUM_INPUTS else 1,
                        affine=space.affine,
                        pool_norm=space.pool_norm,
                    )
                    for operation in mask.allowed[place.cell_type][edge]
                }
            )
            for edge, (_, source) in enumerate(space.edges)
        )

    def forward(
        self,
        s0: Tensor,
        s1: Tensor,
        rows: tuple[tuple[tuple[int, float | Tensor], ...], ...],
        masks: Iterator[Tensor] | None,
    ) -> Tensor:
        states = self.preprocess(s0, s1)
        sums: dict[int, Tensor] = {}
        for (node, source), row, operations in zip(self.edges, rows, self.operations, strict=True):
            if node == len(states) + 1:  # the node before is complete
                states.append(sums[node - 1])
            for operation, weight in row:
                assert isinstance(operations, nn.ModuleDict)
                branch = apply_operation(operations[str(operation)], states[source], masks)
                if not isinstance(weight, float) or weight != 1.0:
                    branch = branch * weight
                sums[node] = sums[node] + branch if node in sums else branch
        return torch.cat([*states[NUM_INPUTS:], sums[len(states)]], dim=1)


class CellSupernet(nn.Module):
    """Stem, cells with all operations that `mask` allows, classifier.

    forward(images [N, C, H, W], gates, masks [num_drop_paths(gates), N, 1, 1, 1] or None) gives the
    logits [N, num_classes]; only the operations listed in the gates are computed.
    """

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
        self.stem = CifarStem(channels_in, init_channels)
        self.places = places(
            num_cells, init_channels, self.stem.channels, space.num_nodes, after_reduction=False
        )
        self.cells = nn.ModuleList(MixedCell(space, mask, place) for place in self.places)
        self.classifier = Classifier(self.places[-1].channels * space.num_nodes, num_classes)

    def forward(self, images: Tensor, gates: Gates, masks: Tensor | None = None) -> Tensor:
        s0, s1 = self.stem(images)
        rest = iter(masks.unbind()) if masks is not None else None
        for place, cell in zip(self.places, self.cells, strict=True):
            s0, s1 = s1, cell(s0, s1, gates.rows[place.cell_type], rest)
        logits: Tensor = self.classifier(s1)
        return logits

    def num_drop_paths(self, gates: Gates) -> int:
        """How many branches of the gates' operations are subject to drop path."""
        return sum(is_droppable(operation) for _, operation in self._active(gates))

    def path_names(self, gates: Gates) -> list[str]:
        """State-dict names of all that a path uses: its operations', and what no operation owns."""
        operations = [prefix for prefix, _ in self._active(gates)]
        return self._names_outside_operations() + [
            f"{prefix}.{name}" for prefix in operations for name in self.get_submodule(prefix).state_dict()
        ]

    def operation_prefix(self, cell: int, edge: int, operation: int) -> str:
        """Where the state dict keeps the tensors that one operation of one cell owns."""
        return f"cells.{cell}.operations.{edge}.{operation}"

    def _active(self, gates: Gates) -> Iterator[tuple[str, nn.Module]]:
        for position, place in enumerate(self.places):
            for edge, row in enumerate(gates.rows[place.cell_type]):
                for operation, _ in row:
                    prefix = self.operation_prefix(position, edge, operation)
                    yield prefix, self.get_submodule(prefix)

    def _names_outside_operations(self) -> list[str]:
        return [name for name in self.state_dict() if ".operations." not in name]
