"""How tests run, and a search context small enough for them: a few random grey images, a net of a few channels."""

import functools
import os
import random
import signal
from itertools import groupby
from pathlib import Path

# One thread a process, and in those that a test starts: there is a test on every core (make test), and for small
# nets threads would wait for one another more than they compute. Before torch starts its threads.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import hypothesis
import numpy as np
import pytest
import torch

from nastk import registry
from nastk.config import resolve
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ResidentImages
from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.search_method import SearchContext
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.workflows import search

torch.set_num_threads(1)

# Whoever starts the tests in the background has interrupts ignored, which the processes of tests would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Other work on the machine is no fault of the code.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

TINY = ("network.init_channels=2", "network.num_cells=3", "train.batch_size=8")
OWN = {
    "relativenas": ("search.population=4",),
    "random": ("search.population=4",),
    "evolution": ("search.population=4", "search.sample_size=2", "search.evaluations=8"),
}

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="files, and the tests in each, in an order drawn with SEED",
    )


def pytest_collection_modifyitems(config, items):
    """No test may need another one to have run before it: with --shuffle there is no telling which has."""
    seed = config.getoption("shuffle")
    if seed is not None:
        files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
        draw = random.Random(seed)
        draw.shuffle(files)
        for tests in files:
            draw.shuffle(tests)
        items[:] = [test for tests in files for test in tests]


@pytest.fixture(autouse=True, scope="session")
def sizes_are_counted_once():
    """A large network is counted at every search's end, here nearly always of the same cell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "network_size", functools.cache(search.network_size))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The published tables and images that tests read but the repository may not hold (their licences).

    $NASTK_SHARED_DATA, else shared/data in or beside the checkout. Where there are none the test is left
    out, but where $CI is set it fails.
    """
    named = os.environ.get("NASTK_SHARED_DATA")
    places = [Path(named)] if named else [ROOT / "shared" / "data", ROOT.parent / "shared" / "data"]
    found = [place for place in places if place.is_dir()]
    if not found:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"no published tables: {places[-1]} is no directory")
    return found[0]


@pytest.fixture(scope="session")
def made_up_table(tmp_path_factory) -> Path:
    """A table of NAS-Bench-201's form, all 15,625 cells: the more and the earlier 3x3 convolutions the better.

    Test accuracy is highest where validation accuracy is second to highest. On CIFAR-100 all is reversed.
    """
    cells = np.stack(np.meshgrid(*[np.arange(5)] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
    quality = 100 - np.abs(cells - 3) @ np.array([4.0, 2.0, 1.5, 3.0, 1.0, 2.5])  # [15,625], the best is 100
    validation = np.stack([quality, -quality, quality / 2], axis=1)
    path = tmp_path_factory.mktemp("table") / "table.npz"
    np.savez(
        path,
        arch_str=np.array([NASBENCH201.genotype(cell).body for cell in cells.tolist()]),
        datasets=np.array(["cifar10", "cifar100", "ImageNet16-120"]),
        val_acc_12=validation,
        test_acc_200=np.where(validation == 100, 98, validation - 0.5),
    )
    return path


def make_images(
    num: int, side: int = 8, channels: int = 1, num_classes: int = 2, seed: int = 0
) -> ResidentImages:
    generator = torch.Generator().manual_seed(seed)
    return ResidentImages(
        tensor=torch.randint(256, (num, side, side, channels), generator=generator, dtype=torch.uint8),
        labels=torch.arange(num) % num_classes,
        classes=tuple(map(str, range(num_classes))),
        mean=(0.5,) * channels,
        std=(0.25,) * channels,
    )


@pytest.fixture(scope="session")
def random_images():
    """A function (num, side=8, channels=1, num_classes=2, seed=0) -> ResidentImages of noise."""
    return make_images


@pytest.fixture(scope="session")
def make_context():
    """A function (method, *KEY=VALUE words, operations=None, images=None) -> SearchContext."""

    def make(method: str, *words: str, seed: int = 0, images: SearchImages | None = None) -> SearchContext:
        config = resolve("search", method, "quick", [*TINY, *OWN.get(method, ()), f"run.seed={seed}", *words])
        space = registry.load_space(config.space.name)
        if images is None:
            augmentation = Augmentation(pad=1, flip=True, cutout=2)
            train = Batches(make_images(20), config.train.batch_size, augmentation=augmentation, shuffle=True)
            validation = Batches(make_images(12, seed=1), config.train.batch_size)
            images = SearchImages(train, validation, ("0", "1"), (1, 8, 8), ())
        found = images
        mask = space.mask_of(config.space.operations)
        return SearchContext(config, space, mask, Engine(config.engine, config.run.seed), lambda: found)

    return make
