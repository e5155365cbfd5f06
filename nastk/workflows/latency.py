"""Latency tables: measured for a space's networks on this device, and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nastk import registry
from nastk.config import Config, resolve
from nastk.costs.latency import LatencyTable, about_device
from nastk.data.places import data_root
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.estimators.estimator import NetworkInput
from nastk.networks.blocks import Block, NetworkSettings
from nastk.networks.network import Network
from nastk.run import write_whole
from nastk.schema import LimitsConfig, NetworkConfig
from nastk.spaces.space import Space

KEYS = ("limits.init_channels", "limits.num_cells", "limits.num_classes", "limits.image_size")


def measure_latency(space_name: str, words: Sequence[str], out: Path, progress: Progress) -> LatencyTable:
    """Measure all building blocks of a space's networks on this device, and write the table to `out`.

    words: KEY=VALUE of KEYS and of the group engine; without them the networks are evaluate's small ones for
    CIFAR-10. ValueError for other keys, for what cannot be built and for a file that cannot be written.
    """
    for word in words:
        key = word.partition("=")[0]
        if key not in KEYS and not key.startswith("engine."):
            raise ValueError(f"{key}: nastk latency takes {', '.join(KEYS)} and engine.*")
    registry.space_entry(space_name).check_networks()
    space = registry.load_space(space_name)
    config = resolve("search", registry.DEFAULT_METHOD, "small", words)
    built = resolve("evaluate", "any", "small", []).network
    settings = limited_network(config.limits, built, NetworkInput((3, 32, 32), 10))
    engine = Engine(config.engine, config.run.seed)
    blocks = building_blocks(space, settings)
    num = len({block.kind for block in blocks})
    progress.note(f"measuring {num} building blocks on {engine.describe()}")
    table = LatencyTable.measure(blocks, engine)
    write_table(out, table)
    return table


def limited_network(
    limits: LimitsConfig, built: NetworkConfig, network_input: NetworkInput
) -> NetworkSettings:
    """The network that evaluate builds with the settings `built`, but for what limits.* say otherwise."""
    (channels_in, height, width), num_classes = network_input
    side = limits.image_size
    return NetworkSettings(
        init_channels=limits.init_channels or built.init_channels,
        num_cells=limits.num_cells or built.num_cells,
        num_classes=limits.num_classes or num_classes,
        channels_in=channels_in,
        image_size=(side, side) if side else (height, width),
        stem=built.stem,
    )


def building_blocks(space: Space, settings: NetworkSettings) -> list[Block]:
    """All that networks of these settings are made of; ValueError where that is not known."""
    network: type[Network] = registry.space_entry(space.name).load_network()
    return list(network.building_blocks(space, settings))


def kept_table(config: Config, space: Space, settings: NetworkSettings, engine: Engine) -> Path:
    """Where the latency table of these networks on this device is kept, beside the data sets."""
    with engine.in_force():
        what = json.dumps([asdict(settings), about_device(engine)], sort_keys=True)
    name = hashlib.sha256(what.encode()).hexdigest()[:12]
    return data_root(config.data) / "latency" / f"{space.name}-{name}.json"


def write_table(path: Path, table: LatencyTable) -> None:
    """ValueError if the file cannot be written. It is there whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(table.to_json(), indent=1) + "\n")
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
