"""Dividing labelled images: the split into training and validation, and balanced smaller parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def balanced_split(
    labels: Tensor, portion: float, generator: torch.Generator, *, classes: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Two sets of indices, int64 and ascending, that share out every class at random.

    labels: int64 [N]. portion: part of each class that goes to the first set, rounded to the nearest
    image (a half goes to the first), but at least one image of every class goes to each. classes: their
    names. Raises ValueError for a class with a single image.
    """
    first, second = [], []
    for label, members in _classes(labels):
        num = len(members)
        if num < 2:
            raise ValueError(
                f"class {classes[label]!r} has a single training image; splitting them needs at least 2"
            )
        cut = min(max(int(portion * num + 0.5), 1), num - 1)
        order = members[torch.randperm(num, generator=generator)]
        first.append(order[:cut])
        second.append(order[cut:])
    return torch.cat(first).sort().values, torch.cat(second).sort().values


def balanced_part(labels: Tensor, num: int) -> Tensor:
    """Indices, int64 and ascending, of `num` images with as nearly equal counts a class as there are.

    Always the same ones for the same labels, spread over each class and not its first ones; a smaller
    part lies inside every larger one.
    """
    generator = torch.Generator().manual_seed(0)
    rank = torch.empty_like(labels)  # of an image within its class
    for _, members in _classes(labels):
        rank[members] = torch.randperm(len(members), generator=generator)
    by_label = labels.argsort(stable=True)
    turns = by_label[rank[by_label].argsort(stable=True)]  # one of every class, then another, ...
    return turns[:num].sort().values


def _classes(labels: Tensor) -> list[tuple[int, Tensor]]:
    """(label, its indices) for every label there is."""
    values, counts = labels.unique(return_counts=True)
    members = labels.argsort(stable=True).split(counts.tolist())
    return list(zip(values.tolist(), members, strict=True))
