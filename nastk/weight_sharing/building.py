"""The supernet of a search: built for its space and images, initialised from its seed, on its device."""

from __future__ import annotations

from nastk import registry
from nastk.data.search_images import SearchImages
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.networks.supernet import Supernet
from nastk.spaces.mask import Mask
from nastk.spaces.space import Space


def build_supernet(
    space: Space, mask: Mask, images: SearchImages, engine: Engine, *, init_channels: int, num_cells: int
) -> Supernet:
    """The space's supernet under `mask`; ValueError if it cannot take images of this size."""
    supernet: Supernet = registry.space_entry(space.name).load_supernet()(
        space,
        mask,
        init_channels=init_channels,
        num_cells=num_cells,
        num_classes=len(images.classes),
        channels_in=images.shape[0],
        image_size=images.shape[1:],
    )
    training.initialise(supernet, engine.streams["initialisation"])
    return engine.place(supernet)
