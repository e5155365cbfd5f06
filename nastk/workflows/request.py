"""What search, evaluate and transfer are asked for, before it is a configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nastk import registry
from nastk.config import Config, absolute_path
from nastk.engine.progress import Progress
from nastk.workflows.directory import read_config_file


@dataclass(frozen=True)
class Request:
    """words: KEY=VALUE settings; the others are what has a name of its own, and have the last word.

    config_file: a config.yaml that stands for the defaults and the preset.
    """

    words: tuple[str, ...] = ()
    dataset: str | None = None
    data_dir: str | None = None
    preset: str | None = None
    seed: int | None = None
    device: str | None = None
    config_file: Path | None = None

    def base(self, command: str, about: str | None) -> Config | None:
        """The configuration to begin with, if a file of one is given; ValueError if it is of another command.

        about: the method or the task that is asked for by its name; None leaves it to the file.
        """
        if self.config_file is None:
            return None
        if self.preset is not None:
            raise ValueError(f"--preset: {self.config_file} has all values; leave one of the two out")
        base = read_config_file(self.config_file)
        if base.command != command:
            raise ValueError(f"--config: {self.config_file} is of nastk {base.command}, not of {command}")
        if about not in (None, base.name):
            raise ValueError(f"--config: {self.config_file} is of {base.name}, not of {about}")
        return base

    def all_words(self, dataset: str | None) -> list[str]:
        """All settings as KEY=VALUE, for `dataset`; None leaves it to the configuration."""
        named = {
            "data.dataset": None if dataset is None else _absolute_if_there(dataset),
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
