"""Prices: added up over choices, they are exactly the parameters and MACs of the network that is built."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nastk import registry
from nastk.costs.prices import Cost, Prices
from nastk.networks.blocks import NetworkSettings
from nastk.populations import encoding
from nastk.workflows.network_size import network_size

SPACES = [name for name, entry in registry.SPACES.items() if entry.has_networks]
SIZES = st.builds(
    NetworkSettings,
    init_channels=st.integers(1, 20),
    num_cells=st.integers(3, 9),
    num_classes=st.integers(1, 12),
    channels_in=st.sampled_from([1, 3]),
    image_size=st.tuples(st.sampled_from([8, 12, 32]), st.sampled_from([8, 16])),
)


def prices_of(space, size):
    return Prices(space, registry.space_entry(space.name).load_network().building_blocks(space, size))


def random_genotype(space, seed):
    codec = space.codec(space.full_mask())
    return encoding.decode(codec, encoding.draw(codec, 1, torch.Generator().manual_seed(seed))[0])


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=12)
@given(size=SIZES, seed=st.integers(0, 2**31))
def test_the_sum_of_choices_is_what_the_network_has(name, size, seed):
    space = registry.load_space(name)
    genotype = random_genotype(space, seed)
    built = network_size(
        genotype,
        num_classes=size.num_classes,
        image_shape=size.image_shape,
        init_channels=size.init_channels,
        num_cells=size.num_cells,
    )
    assert prices_of(space, size).of(genotype) == Cost(built["params"], built["macs"])


@pytest.mark.parametrize("channels", [8, 9])
def test_with_the_stem_for_large_images(channels):
    size = NetworkSettings(channels, 5, 7, 3, (64, 128), stem="imagenet")
    space = registry.load_space("darts")
    genotype = random_genotype(space, 3)
    built = network_size(
        genotype,
        num_classes=7,
        image_shape=(3, 64, 128),
        stem="imagenet",
        init_channels=channels,
        num_cells=5,
    )
    assert prices_of(space, size).of(genotype) == (built["params"], built["macs"], None)


@pytest.mark.parametrize("name", SPACES)
def test_what_cannot_be_built_has_no_price(name):
    space = registry.load_space(name)
    with pytest.raises(ValueError, match=r"images of 10x8 pixels do not fit"):
        prices_of(space, NetworkSettings(8, 3, 2, 3, (10, 8)))


def test_latencies_add_up_too():
    space, size = registry.load_space("nasbench201"), NetworkSettings(8, 3, 2, 3, (8, 8))
    blocks = list(registry.space_entry("nasbench201").load_network().building_blocks(space, size))
    found = Prices(space, blocks, lambda block: 0.5 if block.choice is None else float(block.choice[1]))
    genotype = space.genotype([3, 0, 1, 2, 4, 0])
    # a stem, two residual blocks and a classifier, and the six operations of three cells
    assert found.of(genotype).latency_ms == pytest.approx(4 * 0.5 + 3 * (3 + 0 + 1 + 2 + 4 + 0))
