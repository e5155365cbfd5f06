"""Trained weights as safetensors: tensors only, everything else as JSON in the file's metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from nastk.engine.training import all_finite
from nastk.genotype import Genotype, parse, to_json
from nastk.json_text import read_json
from nastk.shown import shown

METADATA = "nastk"  # the key of the file's metadata under which all of it is, as JSON

COUNTER = "num_batches_tracked"  # what norms of earlier versions had besides: nothing reads it
CLASSIFIER, AUXILIARY = "classifier.", "auxiliary."  # what names in a network's parts for classes begin with
# The layers whose size depends on the number of classes.
HEADS = ("classifier.linear", "auxiliary.classifier")


@dataclass(frozen=True)
class Weights:
    """Tensors by name, the genotype, and what its network was built with (`network`, `data`)."""

    tensors: dict[str, Tensor]
    genotype: Genotype
    network: dict[str, Any]  # the keys of schema.NetworkConfig
    data: dict[str, Any]  # classes, shape, mean, std


def save(
    path: Path,
    module: nn.Module,
    genotype: Genotype,
    *,
    network: dict[str, Any],
    data: dict[str, Any],
    config: str,
) -> None:
    """Write the file; a full disk is an OSError."""
    path.write_bytes(to_bytes(module, genotype, network=network, data=data, config=config))


def to_bytes(
    module: nn.Module, genotype: Genotype, *, network: dict[str, Any], data: dict[str, Any], config: str
) -> bytes:
    """The file's content; the same in gives the same out.

    config: the whole configuration as YAML, for people; nothing reads it back.
    """
    tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    # One key: safetensors writes several in an order that changes from run to run.
    about = {"genotype": json.loads(to_json(genotype)), "network": network, "data": data, "config": config}
    return bytes(serialise(tensors, {METADATA: json.dumps(about)}))


def load(path: Path) -> Weights:
    """Read a file that `save` wrote; ValueError for anything else.

    What its tensors are is not looked at: `adopt` holds them against a network.
    """
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would be waited for
        raise ValueError(f"{path}: not a weights file of nastk: no regular file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = [name for name in file.keys() if not name.endswith(COUNTER)]  # noqa: SIM118  (no mapping)
            tensors = {name: file.get_tensor(name) for name in names}
        about = _object(read_json(metadata[METADATA]), METADATA)
        genotype, _ = parse(json.dumps(about["genotype"]))
        return Weights(
            tensors, genotype, _object(about["network"], "network"), _object(about["data"], "data")
        )
    except OSError as error:
        if path.is_dir():
            raise ValueError(
                f"{path}: a directory; the weights of a run are its weights.safetensors"
            ) from None
        reason = error.strerror or str(error).removesuffix(f": {path}")
        raise ValueError(f"{path}: cannot be read: {reason}") from None
    except KeyError as error:
        raise ValueError(f"{path}: not a weights file of nastk: no {error} in its metadata") from None
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path}: not a weights file of nastk: {error}") from None


def _object(content: Any, name: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{name}: expected an object, found {shown(content)}")
    return content


def adopt(module: nn.Module, weights: Weights, path: Path) -> bool:
    """Copy the weights into `module`; True if the heads were left fresh because the classes differ.

    Raises ValueError, and changes nothing, if anything but the heads does not fit: names, shapes, types of
    number, and that all are finite. Left out are an auxiliary head that only one of the two has, and the
    classifier where the module has none, as a backbone's network.
    """
    own = module.state_dict()
    heads = {name for name in own if name.startswith(HEADS)}
    replaced = any(
        name in weights.tensors and weights.tensors[name].shape != own[name].shape for name in heads
    )
    optional = AUXILIARY if any(name.startswith(CLASSIFIER) for name in own) else (AUXILIARY, CLASSIFIER)
    wanted = set()
    for name in sorted(own.keys() | weights.tensors.keys()):
        one, other = own.get(name), weights.tensors.get(name)
        if (name in heads and replaced) or (name.startswith(optional) and (one is None or other is None)):
            continue
        if one is None or other is None or one.shape != other.shape:
            raise ValueError(
                f"{path}: does not fit this network: {name} is {_shape(other)} in the file, "
                f"{_shape(one)} in the network"
            )
        if one.dtype != other.dtype:  # to copy would be to convert, whatever was meant by them
            raise ValueError(
                f"{path}: does not fit this network: {name} is {_dtype(other)} in the file, "
                f"{_dtype(one)} in the network"
            )
        if not all_finite([other]):
            raise ValueError(f"{path}: {name} has numbers that are not finite: nothing can go on from it")
        wanted.add(name)
    with torch.no_grad():
        for name in wanted:
            own[name].copy_(weights.tensors[name])
    return replaced


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"of shape {list(tensor.shape)}"
