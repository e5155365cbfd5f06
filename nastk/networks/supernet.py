"""The weight-sharing network of a cell space: every edge holds all operations its mask allows.

What several edges ask of one state is computed once: its ReLU, its poolings with their batch norms.
Without affine batch norms this is exactly the plain definition, in which every edge has its own list
of operations; a pooling's running statistics, the same on all edges of a state, are kept once.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.drop_path import is_droppable
from nastk.networks.gates import Gates, Weight
from nastk.networks.layout import CellPlace, CifarStem, Classifier, Preprocess, check_image_size, places
from nastk.networks.operations import POOLS, WeightedOperation, Zero, build_operation
from nastk.networks.skip_dropout import SkipDropout
from nastk.spaces.cell import NUM_INPUTS, CellSpace
from nastk.spaces.mask import Mask

Row = tuple[tuple[int, Weight], ...]  # (operation, weight) of what runs on an edge


class MixedCell(nn.Module):
    """A cell whose edges hold candidate operations; the gates say which run and how they are weighted.

    operations[edge]: the edge's own operations, by index. pools[input]: the poolings of a state,
    which all edges from it share.
    """

    def __init__(self, space: CellSpace, mask: Mask, place: CellPlace) -> None:
        super().__init__()
        self.edges = space.edges
        self.none = space.operations.index("none") if "none" in space.operations else -1
        self.pool_indices = {space.operations.index(name) for name in POOLS if name in space.operations}
        self.strides = [
            2 if place.reduction and source < NUM_INPUTS else 1 for source in range(space.concat[-1])
        ]
        self.preprocess = Preprocess(place, affine=space.affine)
        self.operations = nn.ModuleList(nn.ModuleDict() for _ in space.edges)
        self.pools = nn.ModuleList(nn.ModuleDict() for _ in self.strides)
        for edge, (_, source) in enumerate(space.edges):
            for operation in mask.allowed[place.cell_type][edge]:
                owner = self.owner(edge, operation)
                if str(operation) not in owner:
                    owner[str(operation)] = build_operation(
                        space.operations[operation],
                        place.channels,
                        self.strides[source],
                        affine=space.affine,
                        pool_norm=space.pool_norm,
                    )

    def owner(self, edge: int, operation: int) -> nn.ModuleDict:
        """The dict that holds an operation of an edge."""
        shared = operation in self.pool_indices
        owner = self.pools[self.edges[edge][1]] if shared else self.operations[edge]
        assert isinstance(owner, nn.ModuleDict)
        return owner

    def forward(
        self,
        s0: Tensor,
        s1: Tensor,
        rows: tuple[Row, ...],
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> Tensor:
        states = [
            State(state, pools) for state, pools in zip(self.preprocess(s0, s1), self.pools, strict=False)
        ]
        outputs: list[Tensor] = []
        total: Tensor | None = None
        for edge, ((node, source), row) in enumerate(zip(self.edges, rows, strict=True)):
            for operation, weight in row:
                if operation != self.none:
                    branch = self._branch(states[source], edge, operation, weight, masks, dropout)
                    total = branch if total is None else total + branch
            if source == node - 1:  # the node's last edge
                if total is None:
                    stride = self.strides[0]
                    total = torch.zeros_like(states[0].value[:, :, ::stride, ::stride])
                outputs.append(total)
                if node < len(self.pools):
                    states.append(State(total, self.pools[node]))
                total = None
        return torch.cat(outputs, dim=1)

    def _branch(
        self,
        state: State,
        edge: int,
        operation: int,
        weight: Weight,
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> Tensor:
        """weight * operation(state)."""
        if operation in self.pool_indices:
            branch = state.pool(operation)
        else:
            module = self.operations[edge][str(operation)]  # type: ignore[index]
            if isinstance(module, WeightedOperation):
                gate = weight if isinstance(weight, Tensor) else None
                branch = module.rectified(state.relu, gate)
                weight = 1.0 if gate is not None else weight
            else:
                branch = state.value if dropout is None or not self.training else dropout(state.value)
                if not isinstance(weight, Tensor) and weight == 1.0:
                    return branch
                return branch * weight
        if masks is not None:
            branch = branch * next(masks)
        return branch if not isinstance(weight, Tensor) and weight == 1.0 else branch * weight


class State:
    """A node's value with what several edges ask of it, each computed once and only if asked for."""

    def __init__(self, value: Tensor, pools: nn.Module) -> None:
        self.value = value
        self._pools = pools
        self._relu: Tensor | None = None
        self._pooled: dict[int, Tensor] = {}

    @property
    def relu(self) -> Tensor:
        if self._relu is None:
            self._relu = F.relu(self.value)
        return self._relu

    def pool(self, operation: int) -> Tensor:
        if operation not in self._pooled:
            self._pooled[operation] = self._pools[str(operation)](self.value)  # type: ignore[index]
        return self._pooled[operation]


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

    def forward(
        self,
        images: Tensor,
        gates: Gates,
        masks: Tensor | None = None,
        skip_dropout: SkipDropout | None = None,
    ) -> Tensor:
        s0, s1 = self.stem(images)
        rest = iter(masks.unbind()) if masks is not None else None
        for place, cell in zip(self.places, self.cells, strict=True):
            output = cell(s0, s1, gates.rows[place.cell_type], rest, skip_dropout)
            s0, s1 = s1, F.relu(output)
        logits: Tensor = self.classifier(output)
        return logits

    def num_drop_paths(self, gates: Gates) -> int:
        """How many branches of the gates' operations are subject to drop path."""
        return sum(
            is_droppable(operation) and not isinstance(operation, Zero)
            for _, operation in self._active(gates)
        )

    def path_names(self, gates: Gates) -> list[str]:
        """State-dict names of all that a path uses: its operations', and what no operation owns."""
        operations = dict.fromkeys(prefix for prefix, _ in self._active(gates))
        return self._names_outside_operations() + [
            f"{prefix}.{name}" for prefix in operations for name in self.get_submodule(prefix).state_dict()
        ]

    def _active(self, gates: Gates) -> Iterator[tuple[str, nn.Module]]:
        """Where in the state dict each operation that runs keeps its tensors, and the operation."""
        for position, (place, cell) in enumerate(zip(self.places, self.cells, strict=True)):
            assert isinstance(cell, MixedCell)
            for edge, row in enumerate(gates.rows[place.cell_type]):
                for operation, _ in row:
                    if operation in cell.pool_indices:
                        prefix = f"cells.{position}.pools.{cell.edges[edge][1]}.{operation}"
                    else:
                        prefix = f"cells.{position}.operations.{edge}.{operation}"
                    yield prefix, self.get_submodule(prefix)

    def _names_outside_operations(self) -> list[str]:
        return [name for name in self.state_dict() if ".operations." not in name and ".pools." not in name]
