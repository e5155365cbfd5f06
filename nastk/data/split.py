"""Dividing labelled images: a part held out to test, training and validation, balanced smaller parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Selection:
    """Which of the images that lie in one place are used.

    portion: of every class that is held out to test; 0: nothing is, and all are used. use: what is asked for
    where some are held out. most: no more than so many.
    """

    portion: float = 0.0
    use: Literal["rest", "held out"] = "rest"
    most: int | None = None

    def of(self, labels: Tensor, classes: Sequence[str]) -> tuple[Tensor | None, int]:
        """Their indices, int64 and ascending (None: all), and out of how many `most` chose them.

        The same for the same labels, whatever the run's seed. labels: int64 [N], of all the images there.
        ValueError for a class that cannot be divided.
        """
        part = None
        if self.portion:
            rest, held_out = held_out_part(labels, self.portion, classes)
            part = rest if self.use == "rest" else held_out
        num = len(labels if part is None else part)
        if self.most is None or self.most >= num:
            return part, num
        if part is None:
            return balanced_part(labels, self.most), num
        return part[balanced_part(labels[part], self.most)], num


def held_out_part(labels: Tensor, portion: float, classes: Sequence[str]) -> tuple[Tensor, Tensor]:
    """(the rest, the part of every class that tests): indices, int64 and ascending.

    Always the same ones for the same labels; a smaller part lies inside every larger one. ValueError for a
    class of which nothing would be left.
    """
    for label, members in _classes(labels):
        if len(members) < 2:
            raise ValueError(
                f"class {classes[label]!r} has a single image; holding out a test part needs at least 2 "
                "(data.test_portion=0 holds out none)"
            )
    return balanced_split(labels, 1 - portion, torch.Generator().manual_seed(0), classes=classes)


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
