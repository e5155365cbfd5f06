"""A network's cells as regions to compile: one after the other, so that cells that are alike share a compilation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch import Tensor, nn

from nastk.engine.compiling import Compiled
from nastk.networks.drop_path import is_droppable

Run = Callable[..., Tensor]  # a region, compiled


class Regional(nn.Module):
    """A network of cells that are compiled if `compile_cells` says so.

    region: what is compiled of a cell, which is its first argument: a function of tensors, and of what is the same
    at every step. None: the network has no such cells.
    """

    region: Run | None = None
    _compiled: Compiled | None = None

    def compile_cells(self, compiled: Callable[[Run], Compiled]) -> None:
        """ValueError for a network that has none."""
        if self.region is None:
            raise ValueError("engine.compile: the networks of this space do not say what of them is compiled")
        self._compiled = compiled(self.region)

    @property
    def is_compiled(self) -> bool:
        return self._compiled is not None

    def run_on(self, images: Tensor) -> Run | None:
        """What runs the cells in a forward pass on these images, which begins now; None: they run as they are."""
        return self._compiled.for_batch(images) if self._compiled is not None and self.training else None


def cell_region(cell: nn.Module, inputs: tuple[Tensor, ...], masks: tuple[Tensor, ...] | None) -> Tensor:
    """A discrete network's cell; masks: its own ones of drop path."""
    output: Tensor = cell(*inputs, None if masks is None else iter(masks))
    return output


def run_cell(
    run: Run | None, cell: nn.Module, inputs: tuple[Tensor, ...], masks: Iterator[Tensor] | None
) -> Tensor:
    """A discrete network's cell, which takes its own of the masks; `run`: its region, if that is compiled."""
    if run is None:
        output: Tensor = cell(*inputs, masks)
        return output
    operations: Any = cell.operations
    num = sum(map(is_droppable, operations))
    return run(cell, inputs, None if masks is None else tuple(islice(masks, num)))
