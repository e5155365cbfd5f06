"""What the networks of a search cost, and what of it is allowed: those that evaluate would build of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from nastk import registry
from nastk.config import Config, resolve
from nastk.costs.allowance import Allowance
from nastk.costs.latency import LatencyTable
from nastk.costs.limits import Limits, read_amount
from nastk.costs.prices import Cost, Prices
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.estimators.estimator import NetworkInput
from nastk.genotype import Genotype
from nastk.networks.blocks import Block, NetworkSettings
from nastk.presets import list_presets
from nastk.schema import NetworkConfig
from nastk.spaces.mask import Mask
from nastk.spaces.space import Composed, Space
from nastk.wording import counted
from nastk.workflows.latency import building_blocks, kept_table, limited_network, write_table


def limits_of(config: Config) -> Limits:
    """What a search's configuration allows; ValueError for what cannot be read."""
    return Limits(
        params=read_amount("limits.params", config.limits.params),
        macs=read_amount("limits.macs", config.limits.macs),
        latency_ms=config.limits.latency_ms,
    )


class Pricing:
    """Prices of the networks that evaluate builds of what a search finds, and the search's limits on them.

    ValueError, at once, for limits that cannot be read, and later where a space's networks have no prices.
    """

    def __init__(self, config: Config, space: Space, engine: Engine, progress: Progress) -> None:
        self.config = config
        self.engine = engine
        self.space = space
        self.progress = progress
        self.limits = limits_of(config)

    def limit(self, network_input: NetworkInput | None, mask: Mask) -> Allowance | None:
        """What may be found under `mask`; None without limits. network_input: None where there is no network.

        A table that is named must be there without limits, too: what the result costs is looked up in it.
        """
        if not self.limits and self.config.limits.latency_table is None:
            return None
        known = registry.space_entry(self.space.name).has_networks and isinstance(self.space, Composed)
        if network_input is None or not known:
            raise ValueError(f"limits: what networks of space {self.space.name!r} cost is not known")
        assert isinstance(self.space, Composed)
        prices = self.prices(network_input)
        return Allowance(self.space, mask, prices, self.limits) if self.limits else None

    def prices(self, network_input: NetworkInput) -> Prices:
        assert isinstance(self.space, Composed)
        settings = self._settings(network_input)
        if settings not in self._prices:
            if self.limits:
                self.progress.note(f"limits: {self.limits}, of {describe(settings)}")
            blocks = building_blocks(self.space, settings)
            table = self._latencies(settings, blocks)
            self._prices[settings] = Prices(self.space, blocks, table.milliseconds if table else None)
        return self._prices[settings]

    def _latencies(self, settings: NetworkSettings, blocks: Sequence[Block]) -> LatencyTable | None:
        """The table that limits.latency_table names, or one that is made here and then named there."""
        limits = self.config.limits
        if limits.latency_table is None:
            if limits.latency_ms is None:
                return None
            path = kept_table(self.config, self.space, settings, self.engine)
            if not path.is_file():
                self.progress.note(f"measuring building blocks on this device: {path}")
                write_table(path, LatencyTable.measure(blocks, self.engine))
            limits.latency_table = str(path)  # a run that goes on reads the same one
        return LatencyTable.read(Path(limits.latency_table))

    def costs(self, network_input: NetworkInput | None, genotypes: Sequence[Genotype]) -> list[Cost] | None:
        """Of each genotype's network; None where the space has no networks, or none whose costs are known."""
        entry = registry.space_entry(self.space.name)
        if network_input is None or not entry.has_networks or not isinstance(self.space, Composed):
            return None
        try:
            prices = self.prices(network_input)
        except (
            ValueError
        ):  # images that evaluate's network cannot take, or a plug-in's network that does not say
            return None
        return [prices.of(genotype) for genotype in genotypes]

    def evaluated(self, network_input: NetworkInput | None, genotype: Genotype) -> dict[str, Any] | None:
        """The genotype's network as evaluate builds it: its settings, parameters and MACs; None where `costs` is."""
        costs = self.costs(network_input, [genotype])
        if network_input is None or costs is None:
            return None
        settings = self._settings(network_input)
        return {
            "stem": settings.stem,
            "init_channels": settings.init_channels,
            "num_cells": settings.num_cells,
            "num_classes": settings.num_classes,
            "params": costs[0].params,
            "macs": costs[0].macs,
            "image_shape": list(settings.image_shape),
        }

    def _settings(self, network_input: NetworkInput) -> NetworkSettings:
        return limited_network(self.config.limits, self._evaluated, network_input)

    @cached_property
    def _prices(self) -> dict[NetworkSettings, Prices]:
        return {}

    @cached_property
    def _evaluated(self) -> NetworkConfig:
        """The group `network` of evaluate's preset of the search's name, or of the one that begins alike."""
        names = list_presets()["evaluate"]
        preset = self.config.preset
        while preset not in names and "-" in preset:
            preset = preset.rpartition("-")[0]
        network: NetworkConfig = resolve(
            "evaluate", "any", preset if preset in names else "small", []
        ).network
        published = self.space.published_size
        if getattr(self.config.search, "estimator", None) == "table" and published is not None:
            network.init_channels, network.num_cells = published  # whose scores a table has
        return network


def describe(settings: NetworkSettings) -> str:
    """12 channels, 5 cells, 10 classes, 3x32x32."""
    shape = "x".join(map(str, settings.image_shape))
    return (
        f"a network of {counted(settings.init_channels, 'channel')}, {counted(settings.num_cells, 'cell')} and "
        f"{counted(settings.num_classes, 'class', 'classes')} for images {shape}"
    )
