"""The backbone: maps in timm's convention, the classifier's own numbers, sides that do not fit, adopted weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nastk.archs import load_arch
from nastk.genotype import Genotype
from nastk.networks.backbone import Backbone
from nastk.networks.cell_network import CellNetwork
from nastk.networks.counting import count_macs, count_parameters
from nastk.networks.drop_path import draw_masks
from nastk.networks.nasbench201 import NASBench201Network
from nastk.networks.network import Network
from nastk.networks.weights import adopt, load, save

RELATIVENAS = load_arch("relativenas-cifar10").genotype
BENCHMARK = Genotype(
    "nasbench201", "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|"
)
#  architecture, channels: parameters without classifier and auxiliary head
PUBLISHED = [("relativenas-cifar10", 46, 4_313_029), ("darts-v2", 48, 3_949_752)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def cell_network(genotype=RELATIVENAS, **options):
    options = {"init_channels": 8, "num_cells": 5, "num_classes": 5, "stem": "imagenet"} | options
    return CellNetwork(genotype, **options)


def benchmark_network(**options):
    return NASBench201Network(BENCHMARK, **({"init_channels": 8, "num_cells": 4, "num_classes": 5} | options))


NETWORKS = {
    "imagenet": cell_network,
    "cifar": lambda **options: cell_network(stem="cifar", **options),
    "benchmark": benchmark_network,
}


@pytest.mark.parametrize(("arch", "channels", "params"), PUBLISHED)
def test_published_sizes(arch, channels, params):
    with torch.device("meta"):
        network = CellNetwork(
            load_arch(arch).genotype,
            init_channels=channels,
            num_cells=14,
            num_classes=1000,
            stem="imagenet",
            auxiliary=True,
        )
    classifier = count_macs(network, (3, 64, 64))
    backbone = Backbone(network)
    assert count_parameters(backbone) == params
    last = 16 * channels
    assert backbone.channels == (channels, last // 4, last // 2, last)
    assert backbone.reductions == (4, 8, 16, 32)
    assert count_macs(backbone, (3, 64, 64)) == classifier - 1000 * last


@pytest.mark.parametrize(
    ("kind", "options", "channels", "reductions"),
    [
        ("imagenet", {}, (8, 32, 64, 128), (4, 8, 16, 32)),
        ("imagenet", {"num_cells": 2}, (8, 8, 64, 128), (4, 8, 16, 32)),
        ("imagenet", {"num_cells": 1}, (8, 8, 64), (4, 8, 16)),
        ("cifar", {}, (32, 64, 128), (1, 2, 4)),
        ("cifar", {"num_cells": 2}, (24, 64, 128), (1, 2, 4)),
        ("benchmark", {}, (8, 16, 32), (1, 2, 4)),
    ],
)
def test_one_map_a_reduction(kind, options, channels, reductions):
    backbone = Backbone(NETWORKS[kind](**options))
    assert (backbone.channels, backbone.reductions) == (channels, reductions)
    found = [tuple(x.shape) for x in backbone(torch.randn(2, 3, 64, 96))]
    assert found == [(2, c, 64 // r, 96 // r) for c, r in zip(channels, reductions, strict=True)]


def test_a_map_is_what_the_reduction_cell_gets_of_the_cell_before():
    network = cell_network().eval()
    seen = {}
    network.stem.stem0.register_forward_hook(lambda _, inputs, output: seen.update(stem=output))
    for position, cell in enumerate(network.cells):
        cell.register_forward_hook(lambda _, inputs, output, at=position: seen.update({at: (inputs, output)}))
    quarter, eighth, sixteenth, last = Backbone(network)(torch.randn(2, 3, 64, 64))
    assert quarter.equal(seen["stem"])
    assert eighth.equal(seen[0][1]) and F.relu(eighth).equal(
        seen[1][0][1]
    )  # cell 1 is a reduction, so is cell 3
    assert sixteenth.equal(seen[2][1]) and F.relu(sixteenth).equal(seen[3][0][1])
    assert last.equal(seen[4][1])
    assert all((x < 0).any() for x in (eighth, sixteenth, last)), "before any ReLU"


def test_a_map_is_what_the_benchmarks_residual_block_gets():
    network = benchmark_network().eval()
    seen = []
    for block in network.blocks.values():
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    maps = Backbone(network)(torch.randn(2, 3, 16, 8))
    assert [one.equal(other) for one, other in zip(maps, seen, strict=False)] == [True, True]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("drop_path", [0.0, 0.4])
def test_the_last_map_is_what_the_classifier_reads(kind, drop_path):
    network = NETWORKS[kind]().eval()
    images, classifier = torch.randn(2, 3, 64, 64), network.classifier
    masks = draw_masks(network.num_drop_paths, 2, drop_path, torch.Generator().manual_seed(0))
    logits, _ = network(images, masks)
    backbone = Backbone(network)
    assert backbone.num_drop_paths == network.num_drop_paths
    assert classifier(backbone(images, masks)[-1]).equal(logits)


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, (4, 8, 16, 32)), ([2, 3], (16, 32)), ((-1,), (32,)), ((-1, 0, 3), (4, 32)), (range(2), (4, 8))],
)
def test_maps_that_are_asked_for(asked, found):
    network = cell_network().eval()
    images = torch.randn(1, 3, 64, 64)
    everything = dict(zip((4, 8, 16, 32), Backbone(network)(images), strict=True))
    backbone = Backbone(network, asked)
    assert backbone.reductions == found
    maps = backbone(images)
    assert [x.equal(everything[reduction]) for x, reduction in zip(maps, found, strict=True)] == [True] * len(
        found
    )
    assert [x.shape[1] for x in maps] == list(backbone.channels)


def test_cells_behind_the_last_map_are_not_computed():
    network = cell_network()
    computed = []
    for position, cell in enumerate(network.cells):
        cell.register_forward_hook(lambda _, inputs, output, at=position: computed.append(at))
    Backbone(network, (1,))(torch.randn(2, 3, 64, 64))
    assert computed == [0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((0, 4), "out_indices: no map 4: there are 4, 0 to 3 or -4 to -1, of reductions 4, 8, 16, 32"),
        ((-5,), "out_indices: no map -5: there are 4, 0 to 3 or -4 to -1, of reductions 4, 8, 16, 32"),
        ((), "out_indices: no map asked for: there are 4, 0 to 3 or -4 to -1, of reductions 4, 8, 16, 32"),
    ],
)
def test_unknown_maps(asked, message):
    with pytest.raises(ValueError) as caught:
        Backbone(cell_network(), asked)
    assert str(caught.value) == message


def test_a_network_without_maps():
    class Classifies(Network):
        def forward(self, images, masks=None):
            return images, None

    with pytest.raises(
        ValueError, match=r"^Classifies offers no maps, so that only classifiers can be made of it$"
    ):
        Backbone(Classifies())


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ((180, 240), "160x224, 192x256"),  # CamVid's
        ((48, 64), "32x64, 64x64"),
        ((33, 60), "32x32, 64x64"),
        ((75, 64), "64x64, 96x64"),
        ((8, 40), "32x32, 32x64"),
        ((8, 8), "32x32"),
        ((0, 64), "32x64"),
    ],
)
def test_sides_that_do_not_fit(size, nearest):
    with pytest.raises(ValueError) as caught:
        Backbone(cell_network())(torch.zeros(1, 3, *size))
    assert str(caught.value) == (
        f"images of {size[0]}x{size[1]} pixels do not fit: both sides must be multiples of 32 (nearest: {nearest})"
    )


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_sides_that_are_refused_are_those_that_fail(kind):
    network = NETWORKS[kind](init_channels=2).eval()
    backbone = Backbone(network)
    for side in range(1, 70 if kind == "imagenet" else 10):
        images, fits = torch.zeros(1, 3, side, 32), True
        try:
            maps = backbone(images)
            assert [x.shape[2] for x in maps] == [-(-side // reduction) for reduction in backbone.reductions]
        except ValueError:
            fits = False
        if kind != "benchmark":  # whose poolings drop a pixel
            try:
                list(network.maps(images))
            except RuntimeError:
                assert not fits
            else:
                assert fits


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("auxiliary", [False, True])
def test_weights_of_a_classifier_are_adopted(kind, auxiliary, tmp_path):
    network = NETWORKS[kind](auxiliary=auxiliary)
    network(torch.randn(2, 3, 64, 64))  # moves the running statistics
    genotype = BENCHMARK if kind == "benchmark" else RELATIVENAS
    save(tmp_path / "weights", network, genotype, network={}, data={}, config="")
    backbone = Backbone(NETWORKS[kind]())
    trained = network.state_dict()
    own = backbone.network.state_dict()
    assert own.keys() == {name for name in trained if not name.startswith(("classifier.", "auxiliary."))}
    assert adopt(backbone.network, load(tmp_path / "weights"), tmp_path / "weights") is False
    assert all(tensor.equal(trained[name]) for name, tensor in backbone.network.state_dict().items())


def test_weights_without_a_classifier_do_not_make_a_classifier(tmp_path):
    path = tmp_path / "weights"
    save(path, Backbone(cell_network()).network, RELATIVENAS, network={}, data={}, config="")
    with pytest.raises(ValueError, match=r"classifier\.linear\.bias is missing in the file"):
        adopt(cell_network(), load(path), path)


def test_it_trains():
    backbone = Backbone(
        cell_network(load_arch("darts-v2").genotype)
    )  # RelativeNAS's has parts that nothing reads
    sum(x.square().mean() for x in backbone(torch.randn(2, 3, 64, 64))).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
    assert not any(isinstance(module, nn.Linear) for module in backbone.modules())
