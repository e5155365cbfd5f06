"""SimpleBaseline: heatmaps of a quarter of the side, its initial weights, learning."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nastk.tasks.simple_baseline import SimpleBaseline


def test_heatmaps_are_of_a_quarter_of_the_side(backbone_of):
    assert SimpleBaseline(backbone_of(-1)).eval()(torch.randn(1, 3, 256, 192)).shape == (1, 17, 64, 48)
    assert SimpleBaseline(backbone_of(-1), 5).eval()(torch.randn(2, 3, 64, 32)).shape == (2, 5, 16, 8)


def test_initial_weights(backbone_of):
    pose = SimpleBaseline(backbone_of(-1))
    convolutions = [doubling[0] for doubling in pose.doublings]
    assert [type(convolution) for convolution in convolutions] == [nn.ConvTranspose2d] * 3
    for convolution in (*convolutions, pose.heatmaps):
        assert convolution.weight.std().item() == pytest.approx(0.001, rel=0.05)
    assert pose.heatmaps.bias.equal(torch.zeros(17))
    assert all(convolution.bias is None for convolution in convolutions)
    assert max(parameter.std().item() for parameter in pose.backbone.parameters()) > 0.01


def test_another_backbone(backbone_of):
    with pytest.raises(ValueError) as caught:
        SimpleBaseline(backbone_of(-2, -1))
    assert str(caught.value) == (
        "a keypoint head reads maps of 1/32 of the side, this backbone's are of 1/16, 1/32"
    )


def test_the_loss_falls(backbone_of, steps_to_half):
    pose = SimpleBaseline(backbone_of(-1), 3)
    images, heatmaps = torch.randn(2, 3, 64, 32), torch.zeros(2, 3, 16, 8)
    heatmaps[:, :, 3:9, 2:6] = 1
    steps_to_half(pose.parameters(), lambda: F.mse_loss(pose(images), heatmaps))
