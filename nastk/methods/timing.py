"""How long a training pass takes here, measured on one batch: what a plan's minutes are made of."""

from __future__ import annotations

import time

from torch.nn import functional as F

from nastk.estimators.building import build_supernet
from nastk.estimators.gradient_matching import flat_gradient
from nastk.methods.search import SearchContext
from nastk.networks.gates import uniform_path


def seconds_of_a_path(context: SearchContext) -> float:
    """Forward and backward pass of a single path on a batch of the context's images.

    On a supernet of its own, with random streams of its own: nothing of the context changes.
    """
    engine, network = context.engine.apart(), context.config.network
    supernet = build_supernet(
        context.space,
        context.mask,
        context.images,
        engine,
        init_channels=network.init_channels,
        num_cells=network.num_cells,
    )
    gates = uniform_path(context.mask, engine.streams["paths"])
    images, labels = next(
        context.images.train.epoch(engine.streams["shuffling"], engine.streams["augmenting"])
    )
    seconds = 0.0
    for _ in range(2):  # the first one warms up
        started = time.monotonic()
        gradient = flat_gradient(
            F.cross_entropy(supernet(images, gates), labels), list(supernet.parameters())
        )
        float(gradient[0])  # a GPU has to be done
        seconds = time.monotonic() - started
    return seconds
