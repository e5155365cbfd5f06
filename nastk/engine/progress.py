"""What is told of a job while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Progress:
    """Hears of a job's notes and steps; this one keeps them to itself."""

    def note(self, text: str) -> None:
        """A line for the user."""

    def stopped(self, text: str) -> None:
        """Why the job ends before its end, or how to go on: for those too who hear no notes."""
        self.note(text)

    @contextmanager
    def showing(self, num_steps: int, first_step: int) -> Iterator[None]:  # noqa: ARG002
        """In this block steps are done, from the one behind `first_step` to `num_steps`."""
        yield

    def update(self, step: int, metrics: dict[str, Any]) -> None:
        """A step is done; metrics: what its line in metrics.jsonl says."""
