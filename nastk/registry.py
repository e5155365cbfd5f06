"""What nastk knows by name: plain tables of name -> where it is and one line of help.

Listing imports nothing heavy; `load` imports the one thing asked for. A new method or space is a file
of its own and a line here, a new data set a line in data/named.py and one here. Other packages bring
methods and spaces by an entry point, which `methods` and `spaces` find (docs/adding-a-method.md,
docs/adding-a-space.md).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

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

    @property
    def has_networks(self) -> bool:
        return self.network is not None

    def load_network(self) -> Any:
        return self._load(self.network)

    def load_supernet(self) -> Any:
        return self._load(self.supernet)

    def check_networks(self) -> None:
        """ValueError if nothing of the space can be trained."""
        if not self.has_networks:
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
    """What another package brings; its help names the package and its version. kind: method or space."""

    kind: str
    point: EntryPoint

    def load(self) -> Any:
        """The thing itself; a ValueError names the package if it cannot be imported."""
        try:
            return self.point.load()
        except Exception as error:  # whatever somebody else's code does
            raise ValueError(
                f"{self.kind} {self.point.name!r} {self.help} cannot be loaded: {type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True)
class PluginSpaceEntry(PluginEntry):
    """A space of another package: what the package declares is a SpaceEntry, which says where all of it is."""

    @property
    def entry(self) -> SpaceEntry:
        found = super().load()
        if not isinstance(found, SpaceEntry):
            raise ValueError(f"space {self.point.name!r} {self.help} is no nastk.registry.SpaceEntry")
        return found

    def load(self) -> Any:
        return self.entry.load()

    @property
    def has_networks(self) -> bool:
        return self.entry.has_networks

    def load_network(self) -> Any:
        return self.entry.load_network()

    def load_supernet(self) -> Any:
        return self.entry.load_supernet()

    def check_networks(self) -> None:
        self.entry.check_networks()


_CELL_NETWORKS = {
    "network": "nastk.networks.cell_network:CellNetwork",
    "supernet": "nastk.networks.cell_supernet:CellSupernet",
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

DEFAULT_METHOD = "relativenas"  # whose configuration is shown where no method is named

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
    "cifar10": Entry("nastk.tasks.named:CIFAR10", "classification on CIFAR-10"),
    "cifar100": Entry("nastk.tasks.named:CIFAR100", "classification on CIFAR-100"),
    "fashion-mnist": Entry("nastk.tasks.named:FASHION_MNIST", "classification on Fashion-MNIST"),
    "data": Entry("nastk.tasks.named:DATA", "classification on the data set that --dataset names"),
}


def methods() -> dict[str, Entry]:
    """METHODS and what installed packages declare in the entry-point group `nastk.methods`.

    A name in METHODS is nastk's own, whoever else declares it. Of two packages with one name the
    alphabetically first has it.
    """
    return dict(_plugins("nastk.methods", "method", PluginEntry)) | METHODS


def spaces() -> dict[str, SpaceEntry | PluginSpaceEntry]:
    """SPACES and what installed packages declare in the entry-point group `nastk.spaces`, as `methods` does."""
    return dict(_plugins("nastk.spaces", "space", PluginSpaceEntry)) | SPACES


P = TypeVar("P", bound=PluginEntry)


@cache
def _plugins(group: str, kind: str, entry: type[P]) -> dict[str, P]:
    plugins = []
    for point in entry_points(group=group):
        assert point.dist is not None  # it was found in one
        plugins.append(entry(point.value, f"from {point.dist.name} {point.dist.version}", kind, point))
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


def space_entry(name: str) -> SpaceEntry | PluginSpaceEntry:
    """The entry of the search space called `name`: the space and its networks."""
    found: SpaceEntry | PluginSpaceEntry = find("space", spaces(), name)
    return found


def loaded_spaces() -> dict[str, Any]:
    """All spaces, by name, but those of packages that cannot be loaded."""
    found = {}
    for name, entry in spaces().items():
        try:
            found[name] = entry.load()
        except ValueError:
            if name in SPACES:
                raise
    return found


def load_space(name: str) -> Any:
    """The search space called `name`."""
    return space_entry(name).load()
