"""Edges that hold all operations their mask allows, and what all supernets of such edges offer.

What several edges ask of one state is computed once: its ReLU, its poolings with their batch norms, and the
sums that gates weight of what has no weights itself.
Without affine batch norms this is exactly the plain definition, in which every edge has its own list
of operations; a pooling's running statistics, the same on all edges of a state, are kept once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.drop_path import is_droppable
from nastk.networks.gates import Gate, Gates, Row, Weight, weighted
from nastk.networks.operations import (
    POOLS,
    SKIPS,
    FactorizedReduce,
    WeightedOperation,
    Zero,
    build_operation,
    diagonals,
)
from nastk.networks.skip_dropout import SkipDropout
from nastk.networks.supernet import Supernet
from nastk.networks.weighted_sums import is_of_use, weighted_sums
from nastk.spaces.edge_space import EdgeSpace
from nastk.spaces.space import Space

OWNER_PARTS = 5  # cells.0.operations.13.4, cells.0.pools.1.2
FEW = 3  # products of a state by gates: fewer are cheaper one by one


class MixedEdges(nn.Module):
    """The edges of a cell; the gates say which of their operations run and how they are weighted.

    operations[edge]: the edge's own operations, by index. pools[input]: the poolings of a state,
    which all edges from it share. Both are built by `build`.
    """

    def __init__(self, space: EdgeSpace, strides: Sequence[int]) -> None:
        """strides: of the operations on each node that edges begin at, in the order of the nodes."""
        super().__init__()
        self.space = space
        self.edges = space.edges
        self.strides = strides
        self.none = space.operations.index("none") if "none" in space.operations else -1
        self.pool_indices = {space.operations.index(name) for name in POOLS if name in space.operations}
        self.skip_indices = {space.operations.index(name) for name in SKIPS if name in space.operations}

    def build(
        self, allowed: Sequence[Sequence[int]], channels: int, *, affine: bool, pool_norm: bool
    ) -> None:
        """Give every edge [E] its operations."""
        self.channels = channels
        self.operations = nn.ModuleList(nn.ModuleDict() for _ in self.edges)
        self.pools = nn.ModuleList(nn.ModuleDict() for _ in self.strides)
        for edge, (_, source) in enumerate(self.edges):
            for operation in allowed[edge]:
                owner = self.owner(edge, operation)
                if str(operation) not in owner:
                    owner[str(operation)] = build_operation(
                        self.space.operations[operation],
                        channels,
                        self.strides[source],
                        affine=affine,
                        pool_norm=pool_norm,
                    )

    def owner(self, edge: int, operation: int) -> nn.ModuleDict:
        """The dict that holds an operation of an edge."""
        shared = operation in self.pool_indices
        owner = self.pools[self.edges[edge][1]] if shared else self.operations[edge]
        assert isinstance(owner, nn.ModuleDict)
        return owner

    def name_of(self, edge: int, operation: int) -> str:
        """Where in the state dict an operation keeps its tensors."""
        if operation in self.pool_indices:
            return f"pools.{self.edges[edge][1]}.{operation}"
        return f"operations.{edge}.{operation}"

    def nodes(
        self,
        inputs: Sequence[Tensor],
        rows: Sequence[Row],
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> list[Tensor]:
        """The values of the nodes behind the inputs, each the sum of its edges' operations."""
        states: list[State] = []
        for value in inputs:
            states.append(self._state(value, len(states), rows, masks, dropout))
        outputs: list[Tensor] = []
        total: Tensor | None = None
        for edge, ((node, source), row) in enumerate(zip(self.edges, rows, strict=True)):
            state = states[source]
            if edge in state.sums:
                total = state.sums[edge] if total is None else total + state.sums[edge]
            for operation, weight in row:
                done = operation in state.summed and isinstance(weight, Gate)
                if operation != self.none and not done:
                    branch = self._branch(state, edge, operation, weight, masks, dropout)
                    total = branch if total is None else total + branch
            if source == node - 1:  # the node's last edge
                if total is None:
                    stride = self.strides[0]
                    total = torch.zeros_like(states[0].value[:, :, ::stride, ::stride])
                outputs.append(total)
                if node < len(self.pools):
                    states.append(self._state(total, node, rows, masks, dropout))
                total = None
        return outputs

    def _state(
        self,
        value: Tensor,
        node: int,
        rows: Sequence[Row],
        masks: Iterator[Tensor] | None,
        dropout: SkipDropout | None,
    ) -> State:
        """Of a node, with the sums of what has no weights and is weighted by gates, for all edges from it."""
        state = State(value, self.pools[node])
        if masks is not None or not is_of_use():
            return state
        shared = set(self.pool_indices)
        if self.strides[node] == 1 and (dropout is None or not self.training):
            shared |= self.skip_indices
        gates = {
            edge: {option: weight for option, weight in row if option in shared and isinstance(weight, Gate)}
            for edge, ((_, source), row) in enumerate(zip(self.edges, rows, strict=True))
            if source == node
        }
        options = sorted(set().union(*gates.values()))
        if sum(map(len, gates.values())) < FEW:
            return state
        weights = Gate.matrix([[row.get(option) for option in options] for row in gates.values()])
        maps = [state.pool(option) if option in self.pool_indices else value for option in options]
        state.summed = set(options)
        state.sums = dict(zip(gates, weighted_sums(weights, maps), strict=True))
        return state

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
                gate = weight if isinstance(weight, Gate) else None
                if isinstance(module, FactorizedReduce):
                    branch = module.join(*state.diagonals, gate)
                else:
                    branch = module.rectified(state.relu, gate)
                weight = 1.0 if gate is not None else weight
            else:
                branch = state.value if dropout is None or not self.training else dropout(state.value)
                return weighted(branch, weight)
        if masks is not None:
            branch = branch * next(masks)
        return weighted(branch, weight)


class State:
    """A node's value with what several edges ask of it, each computed once and only if asked for."""

    def __init__(self, value: Tensor, pools: nn.Module) -> None:
        self.value = value
        self.sums: dict[int, Tensor] = {}  # by edge
        self.summed: set[int] = set()  # the operations that are in the sums
        self._pools = pools
        self._relu: Tensor | None = None  # not cached_property, which PyTorch's compiler cannot read
        self._diagonals: tuple[Tensor, Tensor] | None = None
        self._pooled: dict[int, Tensor] = {}

    @property
    def relu(self) -> Tensor:
        if self._relu is None:
            self._relu = F.relu(self.value)
        return self._relu

    @property
    def diagonals(self) -> tuple[Tensor, Tensor]:
        """Behind the ReLU."""
        if self._diagonals is None:
            self._diagonals = diagonals(self.relu)
        return self._diagonals

    def pool(self, operation: int) -> Tensor:
        if operation not in self._pooled:
            self._pooled[operation] = self._pools[str(operation)](self.value)  # type: ignore[index]
        return self._pooled[operation]


class MixedSupernet(Supernet):
    """A supernet of cells of mixed edges; a subclass sets these three and has a forward.

    cells: MixedEdges. cell_types: of each cell, by index.
    """

    space: EdgeSpace
    cells: nn.ModuleList
    cell_types: list[int]

    def num_drop_paths(self, gates: Gates) -> int:
        return sum(
            is_droppable(operation) and not isinstance(operation, Zero)
            for _, operation in self._active(gates)
        )

    def path_names(self, gates: Gates) -> list[str]:
        operations = dict.fromkeys(prefix for prefix, _ in self._active(gates))
        return [name for owner in ("", *operations) for name in self._names.get(owner, ())]

    def decision_parameters(self, decision: int) -> list[nn.Parameter]:
        """Those of all operations of the edge, in all cells of its type."""
        cell_type, edge = divmod(decision, len(self.space.edges))
        return [
            parameter
            for found, cell in zip(self.cell_types, self.cells, strict=True)
            if found == cell_type and isinstance(cell, MixedEdges)
            for parameter in cell.operations[edge].parameters()
        ]

    @classmethod
    def num_layers(cls, space: Space) -> list[list[int]]:
        """At stride 1."""
        assert isinstance(space, EdgeSpace)
        layers = [
            len(list(build_operation(name, 2, 1, affine=False, pool_norm=False).parameters()))
            for name in space.operations
        ]
        return [layers] * len(space.decisions)

    def _active(self, gates: Gates) -> Iterator[tuple[str, nn.Module]]:
        """Where in the state dict each operation that runs keeps its tensors, and the operation."""
        for position, (cell_type, cell) in enumerate(zip(self.cell_types, self.cells, strict=True)):
            assert isinstance(cell, MixedEdges)
            for edge, row in enumerate(self.space.of_type(cell_type, gates.rows)):
                for operation, _ in row:
                    prefix = f"cells.{position}.{cell.name_of(edge, operation)}"
                    yield prefix, self.get_submodule(prefix)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The names of the state dict, by the operation that owns them, as `_active` calls it; "": none does."""
        names: dict[str, list[str]] = {}
        for name in self.state_dict():
            of_operation = ".operations." in name or ".pools." in name
            owner = ".".join(name.split(".")[:OWNER_PARTS]) if of_operation else ""
            names.setdefault(owner, []).append(name)
        return names
