"""How long a training pass takes here, measured on one batch: what a plan's minutes are made of."""

from __future__ import annotations

from torch.nn import functional as F

from nastk.engine.timing import seconds_of_a_pass
from nastk.networks.gates import uniform_path
from nastk.search_method import Search, SearchContext
from nastk.spaces.mask import Mask
from nastk.weight_sharing.memory import trial_supernet


def seconds_of_a_path(context: SearchContext) -> float:
    """Forward and backward pass of a single path on a batch of the context's images.

    On weights of its own, of no other path, with random streams of its own: nothing of the context changes.
    """
    engine = context.engine.apart()
    gates = uniform_path(context.mask, engine.streams["paths"])
    path = Mask(tuple(tuple(option for option, _ in row) for row in gates.rows))
    supernet = trial_supernet(context, path, engine, context.config.network.num_cells)
    images, labels = next(
        context.images.train.epoch(engine.streams["shuffling"], engine.streams["augmenting"])
    )
    return seconds_of_a_pass(supernet, lambda: F.cross_entropy(supernet(images, gates), labels), engine)


def seconds_of_a_search(search: Search) -> float | None:
    """All its steps, about: what they cost in epochs of a single path, times what one takes here.

    None where nothing is trained. Scoring is not in it.
    """
    if not search.trains:
        return None
    return search.cost * len(search.context.images.train) * seconds_of_a_path(search.context)
