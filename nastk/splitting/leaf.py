"""A leaf of a few-shot search: what it starts with, and what is kept of what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from nastk.estimators.score import Score, to_rows
from nastk.genotype import to_json
from nastk.search_method import SearchResult


def inherit(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Set all tensors of `network` that `weights` has, in the same shape."""
    own = network.state_dict()
    fitting = {
        name: weights[name]
        for name, tensor in own.items()
        if name in weights and weights[name].shape == tensor.shape
    }
    network.load_state_dict(own | fitting)


def pick_of(number: int, found: SearchResult) -> dict[str, Any]:
    """What is kept of a leaf's search: its cell, all else that it tells, as what a checkpoint can hold."""
    others = {f"leaf_{number}_{name}": genotype for name, genotype in found.others.items()}
    return {
        "leaf": number,
        "genotype": to_json(found.genotype),
        "score": found.score.to_json(),
        "ranking": to_rows(found.ranked()),
        "genotypes": {
            name: to_json(genotype) for name, genotype in {f"leaf_{number}": found.genotype, **others}.items()
        },
        "details": found.details,
        "remarks": found.remarks,
    }


def told(pick: dict[str, Any], score: Score) -> dict[str, Any]:
    """A leaf as JSON; score: the one it was chosen by, null if it diverged."""
    return {
        "leaf": pick["leaf"],
        "own_score": pick["score"],
        "score": score.to_json() if score.finite else None,
        "details": pick["details"],
    }


def line_of(pick: dict[str, Any], score: Score, chosen: int) -> str:
    """A leaf as a line for the user; `chosen`: the number of the leaf that was."""
    found = f"{score.metric} {score.value:.4f}" if score.finite else "diverged"
    beside = " (chosen)" if pick["leaf"] == chosen else ""
    return "; ".join([f"leaf {pick['leaf']}{beside}: {found}", *pick["remarks"]])
