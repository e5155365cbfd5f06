"""What a job works on besides its configuration, so that one that goes on notices if that has changed."""

from __future__ import annotations

from typing import Any


class Inputs:
    """What a run was started with; this one, with nothing."""

    def state_dict(self) -> dict[str, Any]:
        """As a checkpoint can hold it: numbers, texts, and lists and dicts of them."""
        return {}

    def differences(self, state: dict[str, Any]) -> list[str]:
        """What is another than it was when `state` was taken, a few words each; empty if nothing is."""
        return [] if not state else ["what the run was started with"]
