"""Where everything in the drawing of a cell stands, in user units of the picture.

Columns from left to right: the inputs, then for each layer of nodes the labels of the edges
that end there and the nodes themselves, then the output. A node's layer is the longest way to it.
Whatever passes a column has a place of its own there, so no edge runs through a box.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nastk.report import layered
from nastk.spaces.cell_graph import CellGraph

Point = tuple[float, float]

NODE = 38.0  # width and height of a node
INPUT_WIDTH = 58.0  # of the boxes of the cell's inputs and output
LABEL_HEIGHT = 24.0
LABEL_PADDING = 10.0  # left and right of the label's text
CHARACTER = 7.2  # advance of a monospace character at the labels' font size
WIRE = 6.0  # height of the place of a passing edge
MIN_GAP_X, MAX_GAP_X = 40.0, 110.0  # between columns: wider where edges have far to rise or fall
SLOPE = 0.5  # of the steepest edge of a gap, its width as a part of its height
GAP_Y = 12.0
PORT = 9.0  # of the first and the last of the edges into a node, above and below its middle
MARGIN = 24.0
LONG_PULL = 16.0  # how much more a link between two passing places wants to be straight


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True)
class Edge:
    """An edge of the cell: the operation's label and the way from the input to the node.

    Between the points 0 and 1, 2 and 3, ... the edge turns from one height to another, with nothing
    in its way; between 1 and 2, 3 and 4, ... it is level.
    """

    operation: str
    source: int
    node: int
    label: Box
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    width: float
    height: float
    nodes: tuple[Box, ...]  # the inputs, then the nodes
    output: Box
    edges: tuple[Edge, ...]  # in the order of the cell's
    wires: tuple[tuple[Point, ...], ...]  # from the nodes in `concat` to the output


def cell_layout(cell: CellGraph) -> Layout:
    """The drawing's geometry."""
    graph, nodes, output, chains = _graph(cell)
    columns = layered.order(graph)
    centres = layered.place(graph, columns, GAP_Y)
    for chain in chains:
        layered.straighten(graph, columns, centres, chain[1:-1], GAP_Y)
    top = min(centre - height / 2 for centre, height in zip(centres, graph.heights, strict=True)) - MARGIN
    middles = [centre - top for centre in centres]

    widths = dict.fromkeys(nodes, NODE) | dict.fromkeys((*nodes[: cell.num_inputs], output), INPUT_WIDTH)
    for (operation, _, _), chain in zip(cell.edges, chains, strict=False):
        widths[chain[-2]] = math.ceil(len(operation) * CHARACTER + 2 * LABEL_PADDING)
    spans = _spans(graph, columns, middles, widths)
    span_of = {item: spans[index] for index, column in enumerate(columns) for item in column}

    def box(item: int) -> Box:
        left, right = span_of[item]
        height = graph.heights[item]
        return Box((left + right - widths[item]) / 2, middles[item] - height / 2, widths[item], height)

    def way(chain: list[int], port: float = 0.0) -> tuple[Point, ...]:
        """From the right of the first item, level through those between, to the left of the last."""
        points = [(span_of[chain[0]][1], middles[chain[0]])]
        for item in chain[1:-1]:
            points += [(x, middles[item]) for x in span_of[item]]
        return (*points, (span_of[chain[-1]][0], middles[chain[-1]] + port))

    edges = []
    for (operation, source, node), chain in zip(cell.edges, chains, strict=False):
        labels = sorted((other[-2] for other in chains if other[-1] == chain[-1]), key=middles.__getitem__)
        rank, last = labels.index(chain[-2]), len(labels) - 1
        port = PORT * (2 * rank / last - 1) if last else 0.0
        edges.append(Edge(operation, source, node, box(chain[-2]), way(chain, port)))
    return Layout(
        width=spans[-1][1] + MARGIN,
        height=max(middle + height / 2 for middle, height in zip(middles, graph.heights, strict=True))
        + MARGIN,
        nodes=tuple(box(item) for item in nodes),
        output=box(output),
        edges=tuple(edges),
        wires=tuple(way(chain) for chain in chains[len(cell.edges) :]),
    )


def _graph(cell: CellGraph) -> tuple[layered.Graph, list[int], int, list[list[int]]]:
    """The cell as a layered graph: its inputs and nodes, its output, and the chains of items, one a
    column, that each edge (input, ..., label, node) and each wire to the output goes through."""
    layers = cell.layers()
    labelled = {layers[node] for _, _, node in cell.edges}
    columns = [layer + sum(other <= layer for other in labelled) for layer in layers]
    graph = layered.Graph([[] for _ in range(columns[-1] + 1)])
    items = [graph.add(column, NODE) for column in columns]
    *nodes, output = items
    chains: list[list[int]] = []
    for _, source, node in cell.edges:
        before = columns[node] - 1
        passing = [graph.add(column, WIRE) for column in range(columns[source] + 1, before)]
        chains.append([items[source], *passing, graph.add(before, LABEL_HEIGHT), items[node]])
    for node in cell.concat:
        passing = [graph.add(column, WIRE) for column in range(columns[node] + 1, columns[-1])]
        chains.append([items[node], *passing, output])
    for chain in chains:
        for left, right in pairwise(chain):
            graph.links.append((left, right, 1.0 if {left, right} & {*items} else LONG_PULL))
    return graph, nodes, output, chains


def _spans(
    graph: layered.Graph,
    columns: Sequence[Sequence[int]],
    middles: Sequence[float],
    widths: dict[int, float],  # of the items that are boxes
) -> list[tuple[float, float]]:
    """The left and the right of each column, in whole units: what touches does so exactly."""
    drops = [0.0] * len(columns)  # of the steepest link that ends at the column
    for index, column in enumerate(columns):
        for left, right, _ in graph.links:
            if right in column:
                drops[index] = max(drops[index], abs(middles[left] - middles[right]))
    spans: list[tuple[float, float]] = []
    for column, drop in zip(columns, drops, strict=True):
        start = spans[-1][1] + round(min(max(SLOPE * drop, MIN_GAP_X), MAX_GAP_X)) if spans else MARGIN
        spans.append((start, start + max(widths.get(item, 0.0) for item in column)))
    return spans
