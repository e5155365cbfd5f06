"""How large the network of a genotype is, built to be counted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from nastk import registry
from nastk.genotype import Genotype
from nastk.networks.counting import count_macs, count_parameters
from nastk.networks.network import Network
from nastk.run import SUMMARY, read_object


def network_size(
    genotype: Genotype,
    *,
    num_classes: int,
    image_shape: tuple[int, int, int],
    stem: str = "cifar",
    init_channels: int | None = None,
    num_cells: int | None = None,
) -> dict[str, Any]:
    """The network's settings, parameters and MACs; ValueError where nastk has no network of the space.

    image_shape: (C, H, W). init_channels, num_cells: None takes those of the networks that the space's
    publications report. params and macs are of the network without its auxiliary head, for one image.
    """
    published = registry.load_space(genotype.space).published_size
    entry = registry.space_entry(genotype.space)
    entry.check_networks()
    settings: dict[str, Any] = {
        "stem": stem,
        "init_channels": init_channels or published.init_channels,
        "num_cells": num_cells or published.num_cells,
        "num_classes": num_classes,
    }
    with torch.device("meta"):
        network: Network = entry.load_network()(
            genotype, **settings, channels_in=image_shape[0], auxiliary=True
        )
    with_auxiliary = count_parameters(network)
    auxiliary = count_parameters(network.auxiliary) if network.auxiliary is not None else 0
    return settings | {
        "params": with_auxiliary - auxiliary,
        "params_with_auxiliary": with_auxiliary,
        "macs": count_macs(network, image_shape),
        "image_shape": list(image_shape),
    }


def sizes_to_show(
    genotype: Genotype, arch: str, asked: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The size of the network that `arch` means, and, of a search, that of the network it searched with.

    arch: what names the genotype. asked: of network_size's settings those that the user names; None leaves one
    to the run that `arch` names, else to the publications and CIFAR-10 (ImageNet with its stem).
    All is None where nastk has no network of the space.
    """
    if not registry.space_entry(genotype.space).has_networks:
        return dict.fromkeys((*_ASKED, "params", "params_with_auxiliary", "macs", "image_shape")), None
    summary = _summary_of(arch)
    settings: Any = {name: value for name, value in asked.items() if value is not None}
    if summary.get("command") in ("evaluate", "transfer") and "network" in summary:
        own = {name: summary["network"][name] for name in (*_ASKED, "image_shape")}
        settings = own | settings
    side = 224 if settings.get("stem") == "imagenet" else 32
    settings = {"num_classes": 10, "image_shape": (3, side, side), **settings}
    return network_size(genotype, **settings), summary.get("searched_network")


_ASKED = ("stem", "init_channels", "num_cells", "num_classes")


def _summary_of(arch: str) -> dict[str, Any]:
    """The summary of the run that `arch` names; empty if it names none that is finished."""
    path = Path(arch) / SUMMARY if os.path.isdir(arch) else None
    if path is None or not path.is_file():
        return {}
    return read_object(path)
