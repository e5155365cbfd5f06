"""The tree of sub-spaces that few-shot splitting grows: masks, and how each was split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nastk.spaces.decision import Decision
from nastk.spaces.mask import Mask


@dataclass(frozen=True)
class Split:
    """How a mask is split: options of one decision in groups, by distances [n][n] between them (or none).

    options: what the decision allowed; groups: their indices, group by group.
    """

    decision: int
    options: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    distances: list[list[float]] | None = None
    value: float | None = None  # by the edge rule

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Split:
        return cls(
            content["decision"],
            tuple(content["options"]),
            tuple(tuple(group) for group in content["groups"]),
            content["distances"],
            content["value"],
        )


@dataclass
class Node:
    """A sub-space; `number` is its place in the tree's list. scored: how each decision would be split, if asked."""

    number: int
    mask: Mask
    parent: int | None
    depth: int
    split: Split | None = None
    scored: list[Split] = field(default_factory=list)
    children: list[int] = field(default_factory=list)


class SplitTree:
    """Nodes in the order they were made; the root is node 0."""

    def __init__(self, mask: Mask) -> None:
        self.nodes = [Node(0, mask, None, 0)]

    def split(self, number: int, split: Split, scored: Sequence[Split] = ()) -> list[int]:
        """Give a node its children, one a group; their numbers."""
        node = self.nodes[number]
        assert node.split is None
        node.split, node.scored = split, list(scored)
        for group in split.groups:
            mask = node.mask.restrict(split.decision, group)
            node.children.append(len(self.nodes))
            self.nodes.append(Node(len(self.nodes), mask, number, node.depth + 1))
        return node.children

    def leaves(self) -> list[Node]:
        return [node for node in self.nodes if not node.children]

    def to_json(self, decisions: Sequence[Decision] = ()) -> list[dict[str, Any]]:
        """The nodes as JSON; given the space's decisions, splits name theirs and the options too."""
        rows = []
        for node in self.nodes:
            row: dict[str, Any] = {
                "number": node.number,
                "parent": node.parent,
                "depth": node.depth,
                "mask": node.mask.to_json(),
            }
            if node.split is not None:
                row["split"] = asdict(node.split)
                row["scored"] = [asdict(split) for split in node.scored]
                for split in (row["split"], *row["scored"]) if decisions else ():
                    decision = decisions[split["decision"]]
                    split["where"] = str(decision)
                    split["names"] = [[decision.options[i] for i in group] for group in split["groups"]]
                row["children"] = node.children
            rows.append(row)
        return rows

    @classmethod
    def from_json(cls, rows: Sequence[dict[str, Any]]) -> SplitTree:
        tree = cls(Mask.from_json(rows[0]["mask"]))
        # In the order in which they were split, which numbered the children: depth first.
        for row in sorted((row for row in rows if "split" in row), key=lambda row: row["children"][0]):
            scored = [Split.from_json(split) for split in row["scored"]]
            children = tree.split(row["number"], Split.from_json(row["split"]), scored)
            assert children == row["children"]
        return tree
