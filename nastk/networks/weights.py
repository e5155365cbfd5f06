"""Trained weights as safetensors: tensors only, everything else as JSON in the file's metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from nastk.genotype import Genotype, parse, to_json

# The layers whose size depends on the number of classes.
HEADS = ("classifier.linear", "auxiliary.classifier")


@dataclass(frozen=True)
class Weights:
    """Tensors by name, the genotype, and what its network was built with (`network`, `data`)."""

    tensors: dict[str, Tensor]
    genotype: Genotype
    network: dict[str, Any]  # the keys of config.NetworkConfig
    data: dict[str, Any]  # classes, shape, mean, std


def save(
    path: Path, module: nn.Module, genotype: Genotype, *, network: dict[str, Any], data: dict[str, Any]
) -> None:
    metadata = {"genotype": to_json(genotype), "network": json.dumps(network), "data": json.dumps(data)}
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, path, metadata)


def load(path: Path) -> Weights:
    """Read a file that `save` wrote; ValueError for anything else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        genotype, _ = parse(metadata["genotype"])
        return Weights(tensors, genotype, json.loads(metadata["network"]), json.loads(metadata["data"]))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: not a weights file of nastk: {error}") from None


def adopt(module: nn.Module, weights: Weights, path: Path) -> bool:
    """Copy the weights into `module`; True if the heads were left fresh because the classes differ.

    Raises ValueError if anything but the heads does not fit.
    """
    own = module.state_dict()
    heads = {name for name in own if name.startswith(HEADS)}
    replaced = any(
        name in weights.tensors and weights.tensors[name].shape != own[name].shape for name in heads
    )
    for name, tensor in own.items():
        if (name in heads and replaced) or (name.startswith("auxiliary.") and name not in weights.tensors):
            continue
        found = weights.tensors.get(name)
        if found is None or found.shape != tensor.shape:
            shape = "missing" if found is None else f"of shape {list(found.shape)}"
            raise ValueError(
                f"{path}: does not fit this network: {name} is {shape}, not {list(tensor.shape)}"
            )
        with torch.no_grad():
            tensor.copy_(found)
    return replaced
