"""What a training step of every job asks of a GPU, counted without one.

    python benchmarks/step_calls.py

Prints, per step in the size of the papers (32x32 images, fp32): calls of ATen that are no views (about as many
launches on a GPU) of the network's forward pass, of backward passes, and of the rest (augmentation, clipping,
optimiser); how often the step waits for the device; and how many bytes of tensors its calls read and write. Counted
on the meta device, which nastk asks for the same as any but the CPU. Optimisers and clipping are taken to have
multi-tensor kernels, as on CUDA.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent))

import torch
from device_calls import Count, DeviceCalls, EnoughCounted, Steps, meta_engine

from nastk import registry
from nastk.archs import load_arch
from nastk.config import resolve, search_class
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ResidentImages
from nastk.data.search_images import SearchImages
from nastk.engine.device import Engine
from nastk.networks.cell_network import CellNetwork
from nastk.networks.skip_dropout import SkipDropout
from nastk.search_method import SearchContext
from nastk.spaces.cell import DARTS
from nastk.spaces.derivation import shrink
from nastk.splitting.splitter import Splitter
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training
from nastk.weight_sharing.memory import depths
from nastk.weight_sharing.relaxation import Relaxation
from nastk.weight_sharing.shared_weights import SharedWeights

NUM_BATCHES = 3  # the second one's step is counted: after the first one losses are looked at


Start = Callable[
    [Engine], tuple[torch.nn.Module, Callable[[], object]]
]  # -> the network, and what makes some steps


def count_of(start: Start) -> Count:
    """Of one step."""
    calls = DeviceCalls()
    engine, counts = meta_engine(calls, enough=NUM_BATCHES)
    network, run = start(engine)
    with calls.counting(network), suppress(EnoughCounted):
        run()
    return counts[-1]


def images_of(engine: Engine, batch_size: int) -> Batches:
    """Of noise, as many batches as the engine's steps are to be."""
    assert isinstance(engine.stop, Steps)
    num = engine.stop.enough * batch_size
    images = ResidentImages(
        tensor=torch.randint(256, (num, 32, 32, 3), dtype=torch.uint8),
        labels=torch.arange(num) % 10,
        classes=tuple(map(str, range(10))),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
    )
    augmentation = Augmentation(pad=4, flip=True, cutout=16)
    return Batches(images.to(engine.device), batch_size, augmentation=augmentation, shuffle=True)


def context_of(engine: Engine, method: str, *words: str) -> SearchContext:
    config = resolve("search", method, "paper", list(words))
    space = registry.load_space(config.space.name)
    train = images_of(engine, config.train.batch_size)
    images = SearchImages(train, train, train.images.classes, train.images.shape, ())
    return SearchContext(config, space, space.mask_of(None), engine, lambda: images)


def mixture(method: str, *words: str, kept: int = 8, dropout: float = 0.0, order: int | None = None) -> Start:
    """An epoch of a relaxation whose decisions keep the deepest options."""

    def start(engine: Engine) -> tuple[torch.nn.Module, Callable[[], object]]:
        context = context_of(engine, method, *words)
        relaxation = Relaxation(
            context,
            shrink(context.mask, depths(DARTS), kept),
            init_channels=context.config.network.init_channels,
            num_cells=context.config.network.num_cells,
            lr=6e-4,
            weight_decay=1e-3,
            clip_alphas=method == "pdarts",
        )
        drops = SkipDropout(dropout, engine.streams.on(engine.device, "skip_dropout")) if dropout else None
        return relaxation.supernet, lambda: relaxation.train_epoch(lr=0.025, order=order, dropout=drops)

    return start


def search(method: str, *words: str) -> Start:
    """The first step of a method that has one supernet from the beginning."""

    def start(engine: Engine) -> tuple[torch.nn.Module, Callable[[], object]]:
        context = context_of(engine, method, *words)
        job = search_class(method, context.config.settings())(context)
        return job.supernet, job.step

    return start


def path(*words: str) -> Start:
    """A candidate of RelativeNAS, with drop path."""

    def start(engine: Engine) -> tuple[torch.nn.Module, Callable[[], object]]:
        context = context_of(engine, "relativenas", *words)
        network, train = context.config.network, context.config.train
        shared = SharedWeights(
            context.space, context.mask, context.images, engine, network=network, train=train
        )
        genotype = load_arch("relativenas-cifar10").genotype
        return shared.supernet, lambda: shared.train([genotype], lr=0.1, drop_path=0.2)

    return start


def evaluation(*words: str) -> Start:
    """Of DARTS_V2, halfway, when paths are dropped."""

    def start(engine: Engine) -> tuple[torch.nn.Module, Callable[[], object]]:
        config = resolve("evaluate", "darts-v2", "paper", list(words))
        size = config.network
        network = CellNetwork(
            load_arch("darts-v2").genotype,
            init_channels=size.init_channels,
            num_cells=size.num_cells,
            num_classes=10,
            auxiliary=True,
        )
        batches = images_of(engine, config.train.batch_size)
        training = Training(
            engine.place(network),
            Classification(batches.images, config.train, engine),
            batches,
            batches,
            config.train,
            engine,
        )
        training.epoch = config.train.epochs // 2
        return network, training.step

    return start


def scoring(*words: str) -> Start:
    """Passes for a decision of a mixture: what a split is chosen by."""

    def start(engine: Engine) -> tuple[torch.nn.Module, Callable[[], object]]:
        fast = ("search.base=darts", "search.probe_epochs=0", "search.rounds=1", *words)
        splitter = Splitter(context_of(engine, "fewshot", *fast), keep_weights=False)
        assert splitter.probe is not None
        return splitter.probe.supernet, splitter.step

    return start


def jobs(*, tiny: bool = False) -> dict[str, Start]:
    """All of them in the papers' sizes; tiny: with few cells, channels and images, of which only the first count."""

    def size(num_cells: int) -> tuple[str, ...]:
        if tiny:
            return "network.num_cells=3", "network.init_channels=8", "train.batch_size=8"
        return (f"network.num_cells={num_cells}",)

    return {
        "DARTS, weights": mixture("darts", *size(8)),
        "DARTS, both, first order": search("darts", *size(8)),
        "DARTS, both, second order": search("darts", *size(8), "search.order=2"),
        "SNAS, both": search("snas", *size(8)),
        "P-DARTS stage 1, both": mixture("pdarts", *size(5), order=1, dropout=0.1),
        "P-DARTS stage 2, both": mixture("pdarts", *size(11), order=1, dropout=0.4, kept=5),
        "P-DARTS stage 3, both": mixture("pdarts", *size(17), order=1, dropout=0.7, kept=3),
        "RelativeNAS, a path": path(*size(8)),
        "evaluation, 20 cells": evaluation(*size(20)),
        "scoring of a split, a pass": scoring(*size(8)),
    }


def main() -> None:
    print(f"torch {torch.__version__}, meta device\n")
    print(
        "| step | forward | backward | rest | waits | GB read | GB written |\n|---|---|---|---|---|---|---|"
    )
    with ExitStack() as stack:
        for place in ("torch.utils._foreach_utils", "torch.optim.optimizer"):
            supported = f"{place}._get_foreach_kernels_supported_devices"
            stack.enter_context(patch(supported, lambda: ["meta"]))
        for name, start in jobs().items():
            count = count_of(start)
            calls = " | ".join(f"{count.calls[phase]:,}" for phase in ("forward", "backward", "rest"))
            print(
                f"| {name} | {calls} | {count.waits.total()} | {count.bytes_read / 1e9:.1f} | "
                f"{count.bytes_written / 1e9:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
