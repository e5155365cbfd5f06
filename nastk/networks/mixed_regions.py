"""A supernet's cells as regions to compile: gates and what dropout draws go in as tensors.

So a new step is no new compilation. A path is one: with it, other operations run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from nastk.networks.gates import Gate, Row
from nastk.networks.mixed_edges import MixedEdges
from nastk.networks.regions import Run
from nastk.networks.skip_dropout import DrawnDropout, SkipDropout

Places = tuple[tuple[tuple[int, int], ...], ...]  # of every edge the options, each with where its weight is


class RegionGate(Gate):
    """A gate by its weight, a tensor without dimensions."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight

    def times(self, x: Tensor) -> Tensor:
        return x * self._weight

    def per_channel(self, channels: int) -> Tensor:
        return self._weight.repeat(channels)


def mixed_region(
    cell: nn.Module, inputs: tuple[Tensor, ...], places: Places, weights: Tensor, factors: tuple[Tensor, ...]
) -> Tensor:
    """A cell of mixed edges; weights: [D, O] of all options; factors: what dropout multiplies each skip by, if any."""
    flat = weights.flatten()
    rows = tuple(tuple((option, RegionGate(flat[place])) for option, place in row) for row in places)
    output: Tensor = cell(*inputs, rows, None, DrawnDropout(factors) if factors else None)
    return output


def run_mixed_cell(
    run: Run | None,
    cell: nn.Module,
    inputs: tuple[Tensor, ...],
    rows: Sequence[Row],
    masks: Iterator[Tensor] | None,
    dropout: SkipDropout | None,
) -> Tensor:
    """A cell of mixed edges; `run`: its region, if that is compiled: of mixtures alone."""
    gates = [weight for row in rows for _, weight in row if isinstance(weight, Gate)]
    if run is None or masks is not None or len(gates) < sum(map(len, rows)):
        output: Tensor = cell(*inputs, rows, masks, dropout)
        return output
    assert isinstance(cell, MixedEdges)
    places = tuple(
        tuple((option, weight.position) for option, weight in row if isinstance(weight, Gate)) for row in rows
    )
    factors = () if dropout is None else _factors(dropout, cell, inputs[-1], rows)
    return run(cell, inputs, places, gates[0].weights, factors)


def _factors(dropout: SkipDropout, cell: MixedEdges, x: Tensor, rows: Sequence[Row]) -> tuple[Tensor, ...]:
    """As the cell would draw them, in its order; x: its last input, of the type and the layout of its nodes."""
    num, _, height, width = x.shape
    stride = cell.strides[0]
    shape = (num, cell.channels, height // stride, width // stride)
    skips = [
        option
        for edge, row in enumerate(rows)
        for option, _ in row
        if isinstance(cell.owner(edge, option)[str(option)], nn.Identity)
    ]
    return tuple(dropout.factors(shape, like=x) for _ in skips)
