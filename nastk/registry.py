"""What nastk knows by name: plain tables of name -> where it is and one line of help.

Listing imports nothing heavy; `load` imports the one thing asked for. A new method or space is a file
of its own and a line here, a new data set a line in data/named.py and one here. Other packages bring
methods by an entry point, which `methods` finds (docs/adding-a-method.md).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from nastk.wording import nearest


@dataclass(frozen=True)
class Entry:
    target: str  # "module:attribute"
    help: str

    def load(self) -> Any:
        module, _, attribute = self.target.partition(":")
        return getattr(importlib.import_module(module), attribute)


@dataclass(frozen=True)
class SpaceEntry(Entry):
    """A space with the two networks that are built from it; None: its architectures are only in tables."""

    network: str | None  # "module:attribute", built from a genotype
    supernet: str | None  # "module:attribute", built from the space and a mask

    def load_network(self) -> Any:
        return self._load(self.network)

    def load_supernet(self) -> Any:
        return self._load(self.supernet)

    def check_networks(self) -> None:
        """ValueError if nothing of the space can be trained."""
        if self.network is None:
            raise ValueError(
                f"nastk has no network of space {self.load().name!r}, only published tables have its "
                "architectures: nothing of it can be trained; methods with search.estimator look it up "
                "(search.estimator=table search.table=FILE.npz)"
            )

    def _load(self, target: str | None) -> Any:
        self.check_networks()
        return Entry(str(target), "").load()


@dataclass(frozen=True)
class PluginEntry(Entry):
    """What another package brings; its help names the package and its version."""

    point: EntryPoint

    def load(self) -> Any:
        """The thing itself; a ValueError names the package if it cannot be imported."""
        try:
            return self.point.load()
        except Exception as error:  # whatever somebody else's code does
            raise ValueError(
                f"method {self.point.name!r} {self.help} cannot be loaded: {type(error).__name__}: {error}"
            ) from error


_CELL_NETWORKS = {
    "network": "nastk.networks.network:CellNetwork",
    "supernet": "nastk.networks.supernet:CellSupernet",
}

METHODS: dict[str, Entry] = {
    "relativenas": Entry(
        "nastk.methods.relativenas:RelativeNAS",
        "slow-fast learning of a population of continuous encodings (arXiv 2009.06193)",
    ),
    "darts": Entry(
        "nastk.methods.darts:DARTS",
        "gradients by architecture parameters, first or second order (arXiv 1806.09055)",
    ),
    "pdarts": Entry(
        "nastk.methods.pdarts:PDARTS",
        "DARTS in stages of growing depth, with few skips (arXiv 1904.12760)",
    ),
    "fewshot": Entry(
        "nastk.methods.fewshot:FewShot",
        "gradient matching splits the space; search.base searches every part (arXiv 2203.15207)",
    ),
    "snas": Entry(
        "nastk.methods.snas:SNAS",
        "gradients through samples that become one-hot (arXiv 1812.09926)",
    ),
    "rsps": Entry(
        "nastk.methods.rsps:RSPS",
        "uniform paths train one supernet, which scores random architectures (arXiv 1902.07638)",
    ),
    "evolution": Entry(
        "nastk.methods.evolution:Evolution",
        "regularised evolution: tournaments, one mutation a child, the oldest dies (arXiv 1802.01548)",
    ),
    "random": Entry(
        "nastk.methods.random_search:RandomSearch",
        "random encodings, trained and scored exactly as relativenas does: its baseline",
    ),
}

SPACES: dict[str, SpaceEntry] = {
    "darts": SpaceEntry(
        "nastk.spaces.cell:DARTS",
        "8 operations, two distinct inputs a node (DARTS, P-DARTS)",
        **_CELL_NETWORKS,
    ),
    "relativenas": SpaceEntry(
        "nastk.spaces.cell:RELATIVENAS",
        "7 operations (no none), both inputs of a node may be the same",
        **_CELL_NETWORKS,
    ),
    "nasbench201": SpaceEntry(
        "nastk.spaces.nasbench201:NASBENCH201",
        "5 operations on the 6 edges of one cell: the 15,625 cells of NAS-Bench-201",
        network="nastk.networks.nasbench201:NASBench201Network",
        supernet="nastk.networks.nasbench201:NASBench201Supernet",
    ),
    "transnas-micro": SpaceEntry(
        "nastk.spaces.transnas:MICRO",
        "4 operations on the 6 edges of one cell: TransNAS-Bench-101, by its table only",
        network=None,
        supernet=None,
    ),
    "transnas-macro": SpaceEntry(
        "nastk.spaces.transnas:MACRO",
        "chains of 4 to 6 modules that widen or halve: TransNAS-Bench-101, by its table only",
        network=None,
        supernet=None,
    ),
}

DATASETS: dict[str, Entry] = {
    "digits": Entry(
        "nastk.data.named:DIGITS", "1,797 handwritten digits, 8x8 grey, 10 classes; comes with nastk"
    ),
    "cifar10": Entry("nastk.data.named:CIFAR10", "60,000 photos, 32x32 colour, 10 classes"),
    "cifar100": Entry("nastk.data.named:CIFAR100", "60,000 photos, 32x32 colour, 100 classes"),
    "fashion-mnist": Entry(
        "nastk.data.named:FASHION_MNIST", "70,000 articles of clothing, 28x28 grey, 10 classes"
    ),
}

TASKS: dict[str, Entry] = {
    "cifar10": Entry("nastk.tasks.classification:CIFAR10", "classification on CIFAR-10"),
    "cifar100": Entry("nastk.tasks.classification:CIFAR100", "classification on CIFAR-100"),
    "fashion-mnist": Entry("nastk.tasks.classification:FASHION_MNIST", "classification on Fashion-MNIST"),
    "data": Entry("nastk.tasks.classification:DATA", "classification on the data set that --dataset names"),
}


def methods() -> dict[str, Entry]:
    """METHODS and what installed packages declare in the entry-point group `nastk.methods`.

    A name in METHODS is nastk's own, whoever else declares it. Of two packages with one name the
    alphabetically first has it.
    """
    return _method_plugins() | METHODS


@cache
def _method_plugins() -> dict[str, Entry]:
    plugins = []
    for point in entry_points(group="nastk.methods"):
        assert point.dist is not None  # it was found in one
        plugins.append(PluginEntry(point.value, f"from {point.dist.name} {point.dist.version}", point))
    plugins.sort(key=lambda plugin: plugin.help, reverse=True)
    return {plugin.point.name: plugin for plugin in plugins}


def unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for a name that is in no table: the nearest one first, if any is near, then all of them."""
    names = sorted(known)
    name = name if len(name) <= 60 else name[:57] + "..."
    near = nearest(name, names)
    hint = f"did you mean {near!r}? " if near else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}known: {', '.join(names)}")


def find(kind: str, table: dict[str, Any], name: str) -> Any:
    """The entry called `name`; a ValueError names the nearest and all known ones."""
    if name not in table:
        raise unknown(kind, name, table)
    return table[name]


def load_space(name: str) -> Any:
    """The search space called `name`."""
    return find("space", SPACES, name).load()
