"""Exact parameters and multiply-accumulates of published networks and of their supernets.

The numbers are what the code of DARTS, P-DARTS and RelativeNAS gives. MACs: convolutions and linear
layers, one image, without the auxiliary head.
"""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nastk.archs import load_arch
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.counting import count_macs, count_parameters
from nastk.networks.operations import build_operation
from nastk.spaces.cell import DARTS, RELATIVENAS

CONVOLUTIONS = ["sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"]
#  architecture, init channels, cells, classes: parameters without and of the auxiliary head, MACs
CIFAR = [
    ("relativenas-cifar10", 36, 20, 10, 3_928_222, 476_426, 616_832_640),
    ("relativenas-cifar10", 36, 20, 100, 3_980_152, 545_636, None),
    ("relativenas-cifar10", 16, 8, 10, 316_378, None, 53_832_192),
    ("relativenas-cifar10", 36, 8, 10, 1_445_518, None, None),
    ("relativenas-cifar10", 16, 20, 10, 855_322, None, None),
    ("relativenas-cifar100", 36, 20, 100, 3_686_176, None, None),
    ("relativenas-cifar100", 36, 20, 10, 3_634_246, None, None),
    ("darts-v1", 36, 20, 10, 3_169_414, 476_426, 500_987_520),
    ("darts-v2", 36, 20, 10, 3_349_342, 476_426, 528_359_040),
    ("pdarts-cifar10", 36, 20, 10, 3_433_798, 476_426, 532_174_464),
    ("darts-v1", 36, 20, 100, 3_221_344, 3_766_980 - 3_221_344, 501_039_360),
    ("darts-v2", 36, 20, 100, 3_401_272, 3_946_908 - 3_401_272, 528_410_880),
    ("pdarts-cifar10", 36, 20, 100, 3_485_728, 4_031_364 - 3_485_728, 532_226_304),
    ("pdarts-cifar10", 64, 20, 10, 10_521_802, 11_055_572 - 10_521_802, 1_615_865_856),
    ("pdarts-cifar10", 64, 20, 100, 10_614_052, 11_217_032 - 10_614_052, 1_615_958_016),
    ("darts-v1", 16, 8, 10, 232_890, 668_356 - 232_890, 41_355_776),
    ("darts-v2", 16, 8, 10, 246_106, 681_572 - 246_106, 43_444_736),
    ("pdarts-cifar10", 16, 8, 10, 292_026, 727_492 - 292_026, 48_138_752),
]
#  the auxiliary head is DARTS's, without a second batch norm
IMAGENET = [
    ("relativenas-cifar10", 46, 5_050_029, 1_256_680, 562_973_760),
    ("darts-v1", 48, 4_510_432, 5_771_208 - 4_510_432, 505_864_704),
    ("darts-v2", 48, 4_718_752, 5_979_528 - 4_718_752, 529_911_552),
    ("pdarts-cifar10", 48, 4_944_352, 6_205_128 - 4_944_352, 542_819_328),
]


def network_of(arch, channels, cells, classes, **options):
    with torch.device("meta"):
        return CellNetwork(
            load_arch(arch).genotype,
            init_channels=channels,
            num_cells=cells,
            num_classes=classes,
            auxiliary=True,
            **options,
        )


def supernet_of(space, cells, operations=None):
    with torch.device("meta"):
        return CellSupernet(
            space, space.mask_of(operations), init_channels=16, num_cells=cells, num_classes=10
        )


@pytest.mark.parametrize(("arch", "channels", "cells", "classes", "params", "auxiliary", "macs"), CIFAR)
def test_cifar_networks(arch, channels, cells, classes, params, auxiliary, macs):
    network = network_of(arch, channels, cells, classes)
    assert count_parameters(network) - count_parameters(network.auxiliary) == params
    assert auxiliary in (None, count_parameters(network.auxiliary))
    if macs is not None:
        assert count_macs(network, (3, 32, 32)) == macs


@pytest.mark.parametrize(("arch", "channels", "params", "auxiliary", "macs"), IMAGENET)
def test_imagenet_networks(arch, channels, params, auxiliary, macs):
    network = network_of(arch, channels, 14, 1000, stem="imagenet", image_size=(224, 224))
    assert count_parameters(network) - count_parameters(network.auxiliary) == params
    assert count_parameters(network.auxiliary) == auxiliary
    assert count_macs(network, (3, 224, 224)) == macs


def test_parts_of_the_published_network():
    network = network_of("relativenas-cifar10", 36, 20, 10)
    assert count_parameters(network.stem) == 3_132
    assert list(map(count_parameters, network.cells)) == [
        *(31_644, 32_940, 34_236, 34_236, 34_236, 34_236, 52_560, 112_536),
        *(122_904, 122_904, 122_904, 122_904, 122_904, 198_432, 422_064),
        *(463_536, 463_536, 463_536, 463_536, 463_536),
    ]
    assert count_parameters(network.classifier) == 5_770


@pytest.mark.parametrize(
    ("channels", "affine", "sizes"),
    [
        (36, True, {"sep_conv_3x3": 3384, "sep_conv_5x5": 4536, "dil_conv_3x3": 1692, "dil_conv_5x5": 2268}),
        (16, True, {"sep_conv_3x3": 864, "sep_conv_5x5": 1376, "dil_conv_3x3": 432, "dil_conv_5x5": 688}),
        (16, False, {"sep_conv_3x3": 800, "sep_conv_5x5": 1312, "dil_conv_3x3": 400, "dil_conv_5x5": 656}),
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_parameters_of_the_operations(channels, affine, sizes, stride):
    skip = {(36, True): 1368, (16, True): 288, (16, False): 256}[channels, affine] if stride == 2 else 0
    sizes = sizes | dict.fromkeys(["none", "max_pool_3x3", "avg_pool_3x3"], 0) | {"skip_connect": skip}
    assert sizes.keys() == set(DARTS.operations)
    for name, size in sizes.items():
        for pool_norm in (True, False):
            operation = build_operation(name, channels, stride, affine=affine, pool_norm=pool_norm)
            assert count_parameters(operation) == size


@pytest.mark.parametrize(
    ("space", "cells", "operations", "params"),
    [
        (RELATIVENAS, 8, None, 1_987_194),
        (DARTS, 8, None, 1_930_618),
        (DARTS, 5, None, 1_275_834),  # P-DARTS, stage 1
        (DARTS, 11, ["skip_connect", *CONVOLUTIONS], 2_585_146),  # stages 2 and 3: examples
        (DARTS, 17, ["skip_connect", "sep_conv_3x3", "dil_conv_3x3"], 1_861_402),
    ],
)
def test_supernets(space, cells, operations, params):
    supernet = supernet_of(space, cells, operations)
    assert count_parameters(supernet) == params
    if space is RELATIVENAS:
        assert len(supernet.state_dict()) == 4_922 - 705  # the authors' without the counts of batches


def test_macs_are_half_of_what_torch_calls_flops():
    genotype = load_arch("relativenas-cifar10").genotype
    network = CellNetwork(genotype, init_channels=4, num_cells=3, num_classes=7, channels_in=1).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 1, 12, 8))
    assert count_macs(network, (1, 12, 8)) == counter.get_total_flops() / 2


def test_counting_leaves_the_network_as_it_was():
    genotype = load_arch("darts-v1").genotype
    network = CellNetwork(genotype, init_channels=2, num_cells=3, num_classes=2).double()
    network.cells[0].eval()  # as one freezes a part
    modes = [module.training for module in network.modules()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert count_macs(network, (3, 8, 8)) > 0
    assert [module.training for module in network.modules()] == modes
    assert all(tensor.equal(before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_network_without_storage_is_counted_without_the_compiler():
    """What the command line does at the end of every search."""
    code = (
        "import sys\n"
        "from nastk.workflows.network_size import network_size\n"
        "from nastk.archs import load_arch\n"
        "size = network_size(load_arch('darts-v2').genotype, image_shape=(3, 32, 32), num_classes=10)\n"
        "assert size['params'] > 3_000_000 and size['macs'] > 400_000_000\n"
        "assert not {'torch._dynamo', 'sympy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_failed_count_leaves_no_hooks_and_the_mode():
    network = nn.Sequential(nn.Conv2d(3, 3, 3))
    with pytest.raises(RuntimeError):
        count_macs(network, (4, 8, 8))
    assert network.training
    assert not network[0]._forward_hooks
