"""Keypoints: SimpleBaseline's head on a backbone, a heatmap a joint.

Source: "Simple Baselines for Human Pose Estimation and Tracking" (arXiv 1804.06208), in the size that RelativeNAS's
public code (EMI-Group/TransferLearning-Tasks) gives it.
"""

from __future__ import annotations

from torch import Tensor, nn

from nastk.networks.backbone import Backbone
from nastk.networks.batch_norm import BatchNorm2d

CHANNELS = 256
INITIAL_STD = 0.001


class SimpleBaseline(nn.Module):
    """Heatmaps [N, joints, H / 4, W / 4] of person crops [N, C, H, W]: 64x48 of the published 256x192.

    Three transposed convolutions, each of which doubles the map of 1/32, and a 1x1 convolution with a bias.
    Their weights are normal with a deviation of 0.001 at first, biases 0, as in the paper. backbone: of the map of
    1/32 alone. ValueError for another one. Computes what the public code does; its norms count no batches.
    """

    def __init__(self, backbone: Backbone, num_joints: int = 17) -> None:
        super().__init__()
        backbone.check_reductions((32,), "a keypoint head")
        self.backbone = backbone
        self.doublings = nn.Sequential(
            Doubling(backbone.channels[0], CHANNELS),
            Doubling(CHANNELS, CHANNELS),
            Doubling(CHANNELS, CHANNELS),
        )
        self.heatmaps = nn.Conv2d(CHANNELS, num_joints, 1)
        for module in (*self.doublings.modules(), self.heatmaps):
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(module.weight, std=INITIAL_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        (coarse,) = self.backbone(images)
        heatmaps: Tensor = self.heatmaps(self.doublings(coarse))
        return heatmaps


class Doubling(nn.Sequential):
    """A map of twice the side: 4x4 transposed convolution of stride 2 without a bias, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(channels_in, channels, 4, stride=2, padding=1, bias=False),
            BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
