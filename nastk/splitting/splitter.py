"""Splitting a space into sub-spaces, decision by decision: how few-shot search makes its leaves.

Depth first from the root: a probe supernet is trained on the node's mask, a decision (an edge, in the
papers) is chosen and its options are split into groups, and every child goes on from the probe's weights
at its parent. The probe holds the whole space; a node's mask only says which paths are drawn. Sources:
arXiv 2203.15207 (gm), arXiv 2006.06863 (exhaustive). Legend: D decisions, O options.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from nastk.data.batches import Cycle
from nastk.engine import training
from nastk.engine.schedules import cosine
from nastk.networks.gates import Gates, uniform_mixture, uniform_path
from nastk.schema import key
from nastk.search_method import SearchContext
from nastk.splitting.gradient_matching import mean_distances, with_option
from nastk.splitting.partition import EDGE_RULES, Groups, best_partition, edge_value, partitions
from nastk.splitting.plan import SplitPlan, to_split
from nastk.splitting.tree import Node, Split, SplitTree
from nastk.weight_sharing.one_shot import OneShot


@dataclass
class SplittingConfig:
    split: str = key(
        "gm",
        "gm: by gradient matching; random: any decision, any groups; exhaustive: each option of the first "
        "decision alone; none: one leaf",
        choices=("gm", "random", "exhaustive", "none"),
    )
    groups: list[int] = key([2, 2], "groups that a decision's options are split into, level by level", low=2)
    min_group: int = key(1, "fewest options in a group", low=1)
    edge_rule: str = key("contrast", "what makes a decision worth splitting", choices=EDGE_RULES)
    cell_types: str = key(
        "all",
        "whose decisions may be split; normal: only those of the first kind of cell",
        choices=("all", "normal"),
    )
    rounds: int = key(16, "batches that a decision is scored on", low=1)
    probe: str = key(
        "path", "what the probe supernet is trained and scored on: a path a step, or the mixture",
        choices=("path", "mixture"),
    )  # fmt: skip
    probe_epochs: int = key(10, "epochs of the probe supernet before each split", low=0)


class Splitter:
    """Grows the tree of sub-spaces; a step is an epoch of the probe or the scoring of one decision."""

    def __init__(self, context: SearchContext, *, keep_weights: bool) -> None:
        """keep_weights: the probe's weights of every leaf's parent are kept, also where no split needs a probe."""
        self.context = context
        self.settings = settings = context.config.search
        self.keep_weights = keep_weights
        self.tree = SplitTree(context.mask)
        self.widths = [len(row) for row in context.mask.allowed]  # [D], before any split
        self.decisions = context.space.decisions
        self.plan = SplitPlan.of(settings, context.mask, self.decisions, keep_weights=keep_weights)
        self.levels = self.plan.levels
        self.pending = [0] if self.levels else []  # nodes yet to be split, the next one last
        self.epoch = 0  # of the probe on the node in hand
        self.scored: list[Split] = []  # of the node in hand, decision by decision
        self.weights: dict[str, Any] = {}  # node -> the probe after its epochs there
        self.num_gradients = 0  # scoring passes so far; metrics.jsonl says how long they took
        self.probe: OneShot | None = None
        if self.levels and (settings.split == "gm" or keep_weights):
            self.probe = OneShot(
                context.space,
                context.mask,
                context.images,
                context.engine,
                network=context.config.network,
                train=context.config.train,
            )
        self._rounds: tuple[int, list[tuple[Tensor, Tensor, Gates]]] | None = None  # of a node

    @property
    def finished(self) -> bool:
        return not self.pending

    def step(self) -> dict[str, Any]:
        node = self.tree.nodes[self.pending[-1]]
        if self.probe is not None and self.epoch < self.settings.probe_epochs:
            return self._train(self.probe, node)
        candidates = self._candidates(node)
        if self.settings.split == "gm" and len(self.scored) < len(candidates):
            metrics = self._score(node, candidates[len(self.scored)])
        else:
            metrics = {"phase": "split", "node": node.number}
        if self.settings.split != "gm" or len(self.scored) == len(candidates):
            split = self._choose(node, candidates)
            if split is not None:
                metrics |= {"split": str(self.decisions[split.decision])}
            self._close(node, split)
        return metrics

    def _train(self, probe: OneShot, node: Node) -> dict[str, Any]:
        """An epoch of the probe on the node's mask; the learning rate falls from the root to the last level."""
        if self.epoch == 0 and node.parent is not None:
            probe.load_state_dict(self.weights[str(node.parent)])
        train, epochs = self.context.config.train, self.settings.probe_epochs
        lr = cosine(train.lr, train.lr_min, node.depth * epochs + self.epoch, len(self.levels) * epochs)
        paths = self.context.engine.streams["probing"]
        found = probe.train_epoch(lambda: self._draw(node, paths), lr=lr)
        self.epoch += 1
        return {
            "phase": "probe",
            "node": node.number,
            "train_loss": found.loss,
            "train_accuracy": found.accuracy,
            "lr": lr,
        }

    def _draw(self, node: Node, generator: torch.Generator) -> Gates:
        if self.settings.probe == "mixture":
            return uniform_mixture(node.mask)
        return uniform_path(node.mask, generator)

    def _score(self, node: Node, decision: int) -> dict[str, Any]:
        """Distances between a decision's options, its best split, and what that is worth."""
        assert self.probe is not None
        supernet, engine = self.probe.supernet, self.context.engine
        options = node.mask.allowed[decision]
        # The scored decision's own weights are no matter: each option has others.
        parameters = supernet.shared_parameters() + [
            parameter
            for other in range(len(self.decisions))
            if other != decision
            for parameter in supernet.decision_parameters(other)
        ]

        def loss_of(option: int, images: Tensor, labels: Tensor, gates: Gates) -> Tensor:
            engine.stop.at_batch()
            self.num_gradients += 1
            return F.cross_entropy(supernet(images, with_option(gates, decision, option)), labels)

        # In fp32, whatever the run's precision: what is compared are small differences of gradients.
        with training.untouched(supernet), engine.full_precision():
            distances = mean_distances(loss_of, self._rounds_of(node), options, parameters)
        groups = best_partition(
            distances,
            self.levels[node.depth],
            self.settings.min_group,
            allowed=lambda groups: self._usable(node, decision, groups),
        )
        value = edge_value(distances, groups, self.settings.edge_rule) if groups else None
        indices = _indices(options, groups or ())
        self.scored.append(Split(decision, options, indices, distances, value))
        return {
            "phase": "score",
            "node": node.number,
            "decision": str(self.decisions[decision]),
            "value": value,
        }

    def _rounds_of(self, node: Node) -> list[tuple[Tensor, Tensor, Gates]]:
        """The batches with their gates that all decisions of a node are scored on."""
        if self._rounds is None or self._rounds[0] != node.number:
            streams, name = self.context.engine.streams, f"scoring node {node.number}"
            draws = streams.fresh(f"{name}: shuffling"), streams.fresh(f"{name}: augmenting")
            batches = Cycle(self.context.images.train, lambda: draws)
            paths = streams.fresh(f"{name}: paths")
            rounds = [
                (images, labels, self._draw(node, paths))
                for images, labels in islice(batches, self.settings.rounds)
            ]
            self._rounds = node.number, rounds
        return self._rounds[1]

    def _choose(self, node: Node, candidates: list[int]) -> Split | None:
        """The node's split; None if no decision can be split any more."""
        if self.settings.split == "gm":
            usable = [split for split in self.scored if split.groups]
            return max(usable, key=lambda split: split.value or 0.0, default=None)  # ties: the first
        generator = self.context.engine.streams["splitting edges"]
        if self.settings.split == "random":
            order = torch.randperm(len(candidates), generator=generator).tolist()
            candidates = [candidates[position] for position in order]
        for decision in candidates:
            options = node.mask.allowed[decision]
            found: list[Groups]
            if self.settings.split == "exhaustive":
                found = [tuple((position,) for position in range(len(options)))]
            else:
                found = list(partitions(len(options), self.levels[node.depth], self.settings.min_group))
            found = [groups for groups in found if self._usable(node, decision, groups)]
            if found:
                groups = found[int(torch.randint(len(found), (), generator=generator))]
                return Split(decision, options, _indices(options, groups))
        return None

    def _close(self, node: Node, split: Split | None) -> None:
        """The node is done: its children wait for their turn, the lowest first."""
        self.pending.pop()
        if split is not None:
            children = self.tree.split(node.number, split, self.scored)
            inner = node.depth + 1 < len(self.levels)
            if inner:
                self.pending += reversed(children)
            if self.probe is not None and (inner or self.keep_weights):
                self.weights[str(node.number)] = copy.deepcopy(self.probe.state_dict())
        if not self.keep_weights:  # those of nodes whose children are all done
            waiting = {str(self.tree.nodes[number].parent) for number in self.pending}
            self.weights = {number: state for number, state in self.weights.items() if number in waiting}
        self.epoch, self.scored, self._rounds = 0, [], None

    def _candidates(self, node: Node) -> list[int]:
        """The decisions that are still whole and have enough options."""
        needed = (
            2 if self.settings.split == "exhaustive" else self.levels[node.depth] * self.settings.min_group
        )
        return [
            decision
            for decision in to_split(self.settings, self.decisions)
            if needed <= len(node.mask.allowed[decision]) == self.widths[decision]
        ]

    def _usable(self, node: Node, decision: int, groups: Groups) -> bool:
        """Whether every group leaves a sub-space with architectures in it."""
        options = node.mask.allowed[decision]
        try:
            for group in groups:
                members = [options[position] for position in group]
                self.context.space.check_mask(node.mask.restrict(decision, members))
        except ValueError:
            return False
        return True

    def state_dict(self) -> dict[str, Any]:
        return {
            "tree": self.tree.to_json(),
            "pending": self.pending,
            "epoch": self.epoch,
            "scored": [dataclasses.asdict(split) for split in self.scored],
            "weights": self.weights,
            "probe": self.probe.state_dict() if self.probe is not None and self.pending else {},
            "num_gradients": self.num_gradients,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.tree = SplitTree.from_json(state["tree"])
        self.scored = [Split.from_json(split) for split in state["scored"]]
        for name in ("pending", "epoch", "weights", "num_gradients"):
            setattr(self, name, state[name])
        if self.probe is not None and self.pending:
            self.probe.load_state_dict(state["probe"])


def _indices(options: tuple[int, ...], groups: Groups) -> tuple[tuple[int, ...], ...]:
    """Groups of positions as groups of the options that stand there."""
    return tuple(tuple(options[position] for position in group) for group in groups)
