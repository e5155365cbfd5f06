"""Job: what can be stepped, checkpointed and gone on with."""

from __future__ import annotations

from typing import Any, Protocol


class Job(Protocol):
    """A resumable state machine: a search, or the training of one network.

    `step` does the next piece of work and returns its metrics ("phase" and figures); after an
    exception in it the job is not used again. `state_dict` is everything to go on exactly from the
    end of a step: tensors, numbers, texts, and lists and dicts of them. `peak_memory` is what its largest
    training step takes in bytes, as engine.memory counts; None if that is not known.
    """

    num_steps: int

    @property
    def finished(self) -> bool: ...

    def step(self) -> dict[str, Any]: ...

    def peak_memory(self) -> int | None: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
