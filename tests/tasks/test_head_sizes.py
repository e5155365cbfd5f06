"""Exact parameters of every part of the published dense networks, and their MACs.

The numbers are of the networks that RelativeNAS's public code builds on its found backbone and on DARTS's.
"""

import pytest
import torch
from torch import nn

from nastk.archs import load_arch
from nastk.networks.backbone import Backbone
from nastk.networks.cell_network import CellNetwork
from nastk.networks.counting import count_macs, count_parameters
from nastk.tasks.bisenet import BiSeNet
from nastk.tasks.simple_baseline import SimpleBaseline
from nastk.tasks.ssdlite import SSDLite

BACKBONES = {"relativenas-cifar10": 46, "darts-v2": 48}
CASES = pytest.mark.parametrize("arch", BACKBONES)


def network_of(build, arch, *out_indices, **options):
    """The published network of a head, without storage."""
    with torch.device("meta"):
        network = CellNetwork(
            load_arch(arch).genotype,
            init_channels=BACKBONES[arch],
            num_cells=14,
            num_classes=1,
            stem="imagenet",
        )
        return build(Backbone(network, out_indices), **options)


def of(arch, relativenas, darts):
    return relativenas if arch == "relativenas-cifar10" else darts


def sizes(modules):
    return list(map(count_parameters, modules))


@CASES
def test_ssdlite(arch):
    detector = network_of(SSDLite, arch, -2, -1, num_classes=20)
    assert sizes(detector.backbone.extras) == [of(arch, 186_391, 200_146), 100_480, 67_712, 21_440]
    rest = [18_456, 9_240, 9_240, 1_560]
    assert sizes(detector.head.boxes) == of(arch, [13_272, 26_520, *rest], [13_848, 27_672, *rest])
    rest = [70_782, 35_454, 35_454, 8_190]
    assert sizes(detector.head.classes) == of(arch, [50_910, 101_694, *rest], [53_118, 106_110, *rest])
    assert count_parameters(detector) == of(arch, 5_069_824, 4_728_654)
    assert count_macs(detector, (3, 320, 320)) == of(arch, 1_202_415_859, 1_137_588_634)


@CASES
def test_bisenet(arch):
    segmenter = network_of(BiSeNet, arch, -2, -1, num_classes=19)
    context = segmenter.context
    assert count_parameters(context.refinement16) == of(arch, 440_832, 459_264)
    assert count_parameters(context.refinement32) == of(arch, 864_768, 901_632)
    assert sizes([context.head32, context.head16]) == [147_712, 147_712]
    assert count_parameters(context.overall) == of(arch, 94_464, 98_560)
    assert count_parameters(context) == of(arch, 6_008_517, 5_704_632)
    assert sizes(segmenter.spatial) == [9_536, 36_992, 36_992, 8_448]
    fusion = segmenter.fusion
    assert sizes([fusion.conv, *fusion.attention]) == [66_048, 16_384, 0, 16_384, 0]
    outputs = [segmenter.main, segmenter.auxiliary8, segmenter.auxiliary16]
    assert sizes(outputs) == [595_200, 75_072, 75_072]
    assert count_parameters(segmenter) == of(arch, 6_944_645, 6_640_760)


@CASES
def test_macs_of_bisenet(arch):
    """Published for images of 1024x1024, here counted at 128x128: 64 times as many but for what sees one pixel."""
    segmenter = network_of(BiSeNet, arch, -2, -1, num_classes=19)
    one_pixel = 2 * 128 * 128 + 2 * 256 * 64 + 128 * segmenter.context.backbone.channels[-1]
    macs = 64 * (count_macs(segmenter, (3, 128, 128)) - one_pixel) + one_pixel
    assert f"{macs / 1e9:.3f}" == of(arch, "33.812", "33.233")
    auxiliary = sum(
        count_macs(segmenter.get_submodule(f"auxiliary{scale}"), (128, 1024 // scale, 1024 // scale))
        for scale in (8, 16)
    )
    assert f"{(macs + auxiliary) / 1e9:.3f}" == of(arch, "35.347", "34.768")


@CASES
def test_simple_baseline(arch):
    pose = network_of(SimpleBaseline, arch, -1)
    first, *rest = pose.doublings
    assert sizes(first) == [of(arch, 3_014_656, 3_145_728), 512, 0]
    assert [sizes(doubling) for doubling in rest] == [[1_048_576, 512, 0]] * 2
    assert count_parameters(pose.doublings) == of(arch, 5_113_344, 5_244_416)
    assert count_parameters(pose.heatmaps) == 4_369
    assert count_parameters(pose) == of(arch, 9_430_742, 9_198_537)
    assert count_macs(pose, (3, 256, 192)) == of(arch, 1_715_469_312, 1_689_341_952)


def test_a_transposed_convolution_counts_as_the_convolution_that_it_is_the_gradient_of():
    transposed = nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1, groups=2)
    convolution = nn.Conv2d(4, 6, 4, stride=2, padding=1, groups=2)
    assert count_macs(transposed, (6, 5, 3)) == count_macs(convolution, (4, 10, 6)) > 0
