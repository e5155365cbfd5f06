"""Weights of an earlier training to start from: the architecture and the settings that they bring along."""

from __future__ import annotations

from pathlib import Path

from nastk.archs import Arch, load_arch
from nastk.networks import weights as weight_files
from nastk.run import CONFIG
from nastk.workflows.directory import read_config


def arch_of_weights(weights: Path, arch: str | Arch | None) -> tuple[Arch, list[str]]:
    """The architecture of the weights, and the size of their network as KEY=VALUE words.

    arch: what the user names besides. ValueError for a file that is none, and if `arch` is another one.
    """
    loaded = weight_files.load(weights)
    if arch is not None and named_arch(arch).genotype != loaded.genotype:
        raise ValueError(f"{weights} holds another cell than --arch {arch}; leave --arch out")
    words = [f"network.{key}={value}" for key, value in loaded.network.items()]
    return Arch(weights.stem, loaded.genotype, {}), words


def dataset_of_weights(weights: Path) -> str | None:
    """The data set of the run whose directory the weights lie in; None where they lie in no run's."""
    folder = weights.resolve().parent
    return str(read_config(folder).data.dataset) if (folder / CONFIG).is_file() else None


def named_arch(arch: str | Arch) -> Arch:
    return arch if isinstance(arch, Arch) else load_arch(arch)
