"""Latency tables: measured for a space's networks on this device, and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nastk import registry
from nastk.config import Config, resolve
from nastk.costs.latency import LatencyTable, about_device
from nastk.data.places import data_root
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.networks.blocks import Block, NetworkSettings
from nastk.networks.network import Network
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
    built, asked = resolve("evaluate", "any", "small", []).network, config.limits
    side = asked.image_size or 32
    settings = NetworkSettings(
        init_channels=asked.init_channels or built.init_channels,
        num_cells=asked.num_cells or built.num_cells,
        num_classes=asked.num_classes or 10,
        channels_in=3,
        image_size=(side, side),
    )
    engine = Engine(config.engine, config.run.seed)
    blocks = building_blocks(space, settings)
    num = len({block.kind for block in blocks})
    progress.note(f"measuring {num} building blocks on {engine.describe()}")
    table = LatencyTable.measure(blocks, engine)
    write_table(out, table)
    return table


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
    text = json.dumps(table.to_json(), indent=1) + "\n"
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None
