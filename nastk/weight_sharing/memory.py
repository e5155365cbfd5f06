"""How much memory the largest training step of a search takes, in bytes (engine.memory says what counts).

Nothing of the run moves: the weights of a mixture are built for the purpose, with random streams of their own, and
the shared ones of paths are there already, and left as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F

from nastk import registry
from nastk.engine.device import Engine
from nastk.engine.memory import PLAIN, step_bytes
from nastk.engine.training import untouched
from nastk.networks.gates import allowed, masked_softmax, one_hot, soft
from nastk.networks.skip_dropout import SkipDropout
from nastk.networks.supernet import Supernet
from nastk.search_method import SearchContext
from nastk.spaces.decision import most_options
from nastk.spaces.derivation import Strengths
from nastk.spaces.mask import Mask
from nastk.spaces.space import Derivable, Space, WithPaths
from nastk.weight_sharing.building import build_supernet

UNROLLED = 6  # of a second-order step, too: where it started, the slopes there, the direction it looks in
PAIR = 5  # of a path that is trained against another: as it was before, and what the other has become


def mixture_bytes(
    context: SearchContext, mask: Mask, *, num_cells: int, order: int = 1, skip_dropout: bool = False,
    full_precision: bool = False,
) -> int:  # fmt: skip
    """Of an architecture step of `order` (1 or 2) on the mixture of all that `mask` allows.

    full_precision: fp32, whatever the run's precision, as a step of order 2, which takes differences, always is.
    """
    engine = context.engine.apart()
    supernet = trial_supernet(context, mask, engine, num_cells)
    dropout = SkipDropout(0.5, engine.streams.on(engine.device, "skip_dropout")) if skip_dropout else None
    choices = allowed(mask, most_options(context.space.decisions)).to(engine.device)  # [D, O]
    alphas = torch.zeros(choices.shape, device=engine.device, requires_grad=True)

    def loss_of(images: Tensor, labels: Tensor) -> Tensor:
        with nullcontext() if order == 2 or full_precision else engine.autocast():
            gates = soft(masked_softmax(alphas, choices), mask)
            return F.cross_entropy(supernet(images, gates, skip_dropout=dropout), labels)

    copies = UNROLLED if order == 2 else PLAIN
    return step_bytes(supernet, loss_of, context.images.shape, context.config.train.batch_size, copies=copies)


def path_bytes(context: SearchContext, supernet: Supernet, *, drop_path: bool, copies: int) -> int | None:
    """Of a step on the path of `supernet` that keeps most: of the deepest options, on as many nodes as can be.

    None for a space that cannot say which path that is.
    """
    space, engine = context.space, context.engine
    if not isinstance(space, Derivable) or not isinstance(space, WithPaths):
        return None
    path = space.path(space.derive(context.mask, depths(space)))
    gates = one_hot(path, len(space.decisions))

    def loss_of(images: Tensor, labels: Tensor) -> Tensor:
        masks = None
        if drop_path:
            masks = torch.ones(supernet.num_drop_paths(gates), len(images), 1, 1, 1, device=engine.device)
        with engine.autocast():
            return F.cross_entropy(supernet(images, gates, masks), labels)

    batch_size = context.config.train.batch_size
    with untouched(supernet):
        return step_bytes(supernet, loss_of, context.images.shape, batch_size, copies=copies)


def num_layers(space: Space, mask: Mask) -> int:
    """Layers with weights of all that `mask` allows: a mixture keeps about as many maps."""
    layers = _layers(space)
    return sum(layers[decision][option] for decision, row in enumerate(mask.allowed) for option in row)


def depths(space: Space) -> Strengths:
    """How many layers with weights each option [D][O] has; a little more for later decisions of a group.

    What an option keeps grows with its layers, and a cell's later edges begin at more nodes than the first.
    """
    rows = []
    places: Counter[str] = Counter()  # group -> how many of its decisions have been
    for decision, layers in zip(space.decisions, _layers(space), strict=True):
        rows.append([num + places[decision.group] / 1000 for num in layers])
        places[decision.group] += 1
    return rows


def _layers(space: Space) -> Sequence[Sequence[int]]:
    supernet: type[Supernet] = registry.space_entry(space.name).load_supernet()
    return supernet.num_layers(space)


def trial_supernet(context: SearchContext, mask: Mask, engine: Engine, num_cells: int) -> Supernet:
    """A fresh one of the context's width, its weights drawn from `engine`: Engine.apart's, so that nothing moves."""
    return build_supernet(
        context.space,
        mask,
        context.images,
        engine,
        init_channels=context.config.network.init_channels,
        num_cells=num_cells,
    )
