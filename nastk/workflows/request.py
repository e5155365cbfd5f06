"""What search, evaluate and transfer are asked for, before it is a configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nastk import registry
from nastk.config import absolute_path
from nastk.engine.progress import Progress


@dataclass(frozen=True)
class Request:
    """words: KEY=VALUE settings; the others are what has a name of its own, and have the last word."""

    words: tuple[str, ...] = ()
    dataset: str | None = None
    data_dir: str | None = None
    preset: str | None = None
    seed: int | None = None
    device: str | None = None

    def all_words(self, dataset: str) -> list[str]:
        """All settings as KEY=VALUE, for `dataset`."""
        named = {
            "data.dataset": _absolute_if_there(dataset),
            "data.dir": self.data_dir,
            "run.seed": self.seed,
            "engine.device": self.device,
        }
        return [*self.words] + [f"{key}={value}" for key, value in named.items() if value is not None]

    def chosen_dataset(self) -> str | None:
        """The data set that was asked for, by its name or by key."""
        return self._chosen(self.dataset, "data.dataset")

    def chosen_preset(self, dataset: str, progress: Progress) -> str:
        """The preset asked for, else quick for digits, paper on CUDA, small on the CPU: said in one line."""
        if self.preset:
            return self.preset
        if dataset == "digits":
            progress.note("preset: quick (made for the digits; --preset chooses another)")
            return "quick"
        import torch

        on_cuda = self._chosen(self.device, "engine.device") != "cpu" and torch.cuda.is_available()
        preset = "paper" if on_cuda else "small"
        why = "there is a CUDA device" if on_cuda else "on the CPU"
        progress.note(f"preset: {preset} ({why}; --preset chooses another)")
        return preset

    def _chosen(self, named: str | None, key: str) -> str | None:
        by_key = [word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")]
        return named if named is not None else by_key[-1] if by_key else None


def _absolute_if_there(dataset: str) -> str:
    """A known name as it is; a path as an absolute one, if it exists: else it may be a name misspelt."""
    if dataset in registry.DATASETS:
        return dataset
    path = absolute_path(dataset)
    return path if os.path.exists(path) else dataset
