"""What becomes of files that cannot be read: they stop the load, or are left out and told of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from nastk.data.files import printable
from nastk.data.reading import Unreadable, attempt_all, some
from nastk.schema import DataConfig

_ENOUGH = 1000  # of them stop a load that they are to stop: nobody needs their exact number

T = TypeVar("T")


class Sieve:
    """Keeps the files that can be read; counts the others, or stops at them."""

    def __init__(self, place: Path, classes: tuple[str, ...], config: DataConfig) -> None:
        self.place = place
        self.classes = classes
        self.config = config
        self.left_out: list[Unreadable] = []

    def readable(
        self,
        read: Callable[[str], T],
        paths: list[str],
        labels: Tensor,
        attempt: Callable[..., list[T | Unreadable]] = attempt_all,
    ) -> tuple[list[str], Tensor, list[T]]:
        """The paths that `read` can read, their labels, and what it read.

        attempt: `attempt_all`, or what knows some of it already. ValueError if there are others and
        `data.skip_corrupt` is off, or if nothing of a class is left.
        """
        skip = self.config.skip_corrupt
        results = attempt(read, paths, self.config.workers, enough=None if skip else _ENOUGH)
        bad = [result for result in results if isinstance(result, Unreadable)]
        if bad and not skip:
            whole = len(results) == len(paths)
            files = (
                f"{len(paths):,} files" if whole else f"the first {len(results):,} of {len(paths):,} files"
            )
            raise ValueError(
                f"{len(bad):,} of {files} cannot be read: {some(bad)}; "
                "remove them, or leave them out with data.skip_corrupt=true"
            )
        self.left_out += bad
        good = [(number, got) for number, got in enumerate(results) if not isinstance(got, Unreadable)]
        numbers = [number for number, _ in good]
        kept = labels[torch.tensor(numbers, dtype=torch.int64)]
        for label in sorted(set(labels.tolist()) - set(kept.tolist())):
            of_class = [result for result, its in zip(results, labels.tolist(), strict=True) if its == label]
            raise ValueError(
                f"{printable(self.place)}: class {self.classes[label]!r}: none of its files can be read: "
                f"{some([result for result in of_class if isinstance(result, Unreadable)])}"
            )
        return [paths[number] for number in numbers], kept, [got for _, got in good]

    def notes(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        files = "1 file" if len(self.left_out) == 1 else f"{len(self.left_out):,} files"
        return (f"left out {files} that cannot be read: {some(self.left_out)}",)
