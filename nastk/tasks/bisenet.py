"""Segmentation: BiSeNet's head on a backbone, a class a pixel.

Source: "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation" (arXiv 1808.00897), in the size
that RelativeNAS's public code (EMI-Group/TransferLearning-Tasks) gives it.
Legend: N images, C channels, H W their sides, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nastk.networks.backbone import Backbone
from nastk.networks.batch_norm import BatchNorm2d

CONTEXT = 128  # channels of both paths
FUSED = 2 * CONTEXT
SLOPE = 0.01  # of leaky ReLUs below zero


class BiSeNet(nn.Module):
    """Logits [N, K, H, W] of images [N, C, H, W]; in training those of the two auxiliary outputs as well.

    What lies far apart comes through the backbone (context path), what is fine through four convolutions of the
    image (spatial path); both meet at 1/8 of the side. backbone: of the maps of 1/16 and 1/32. ValueError for
    another one. In training a batch has at least 2 images: norms read maps of one pixel.

    Differs from the public code: there the auxiliary outputs are computed in evaluation, too, so that the published
    MACs have their convolutions in them; and norms of the head are synchronised over processes. Norms count no batches.
    """

    def __init__(self, backbone: Backbone, num_classes: int, *, channels_in: int = 3) -> None:
        super().__init__()
        self.context = ContextPath(backbone)
        self.spatial = SpatialPath(channels_in)
        self.fusion = Fusion()
        self.main = Output(FUSED, FUSED, num_classes)
        self.auxiliary8 = Output(CONTEXT, 64, num_classes)
        self.auxiliary16 = Output(CONTEXT, 64, num_classes)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The main output alone, or in training (main, auxiliary at 1/8, auxiliary at 1/16)."""
        eighth, sixteenth = self.context(images)
        outputs = [self.main(self.fusion(self.spatial(images), eighth))]
        if self.training:
            outputs += [self.auxiliary8(eighth), self.auxiliary16(sixteenth)]
        size = images.shape[-2:]
        return tuple(F.interpolate(x, size, mode="bilinear", align_corners=True) for x in outputs)


class ConvNorm(nn.Sequential):
    """Convolution without a bias, batch norm, leaky ReLU."""

    def __init__(self, channels_in: int, channels: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False),
            BatchNorm2d(channels),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class AttentionRefinement(nn.Module):
    """A map brought to 128 channels, each weighted by what the whole map says of it."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.conv = ConvNorm(channels_in, CONTEXT, 3)
        self.attention = nn.Sequential(nn.Conv2d(CONTEXT, CONTEXT, 1, bias=False), BatchNorm2d(CONTEXT))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * torch.sigmoid(self.attention(mean(x)))


class ContextPath(nn.Module):
    """The backbone's maps of 1/16 and 1/32 and the mean of the last, refined to 128 channels at 1/8 and 1/16."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        backbone.check_reductions((16, 32), "a segmentation head")
        self.backbone = backbone
        self.refinement16, self.refinement32 = map(AttentionRefinement, backbone.channels)
        self.overall = ConvNorm(backbone.channels[-1], CONTEXT)
        self.head32, self.head16 = ConvNorm(CONTEXT, CONTEXT, 3), ConvNorm(CONTEXT, CONTEXT, 3)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps [N, 128, H / 8, W / 8] and [N, 128, H / 16, W / 16]."""
        finer, coarser = self.backbone(images)
        x = self.refinement32(coarser) + self.overall(mean(coarser))
        sixteenth = self.head32(doubled(x))
        eighth = self.head16(doubled(self.refinement16(finer) + sixteenth))
        return eighth, sixteenth


class SpatialPath(nn.Sequential):
    """Images to maps [N, 128, H / 8, W / 8] in a few wide convolutions."""

    def __init__(self, channels_in: int) -> None:
        super().__init__(
            ConvNorm(channels_in, 64, 7, 2),
            ConvNorm(64, 64, 3, 2),
            ConvNorm(64, 64, 3, 2),
            ConvNorm(64, CONTEXT),
        )


class Fusion(nn.Module):
    """Both paths' maps as one of 256 channels, to which those that matter for the whole map are added once more."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = ConvNorm(2 * CONTEXT, FUSED)
        self.attention = nn.Sequential(
            nn.Conv2d(FUSED, FUSED // 4, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(FUSED // 4, FUSED, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        x = self.conv(torch.cat([spatial, context], dim=1))
        y: Tensor = x + x * self.attention(mean(x))
        return y


class Output(nn.Sequential):
    """Logits of every pixel of a map; the last convolution has no bias."""

    def __init__(self, channels_in: int, channels: int, num_classes: int) -> None:
        super().__init__(ConvNorm(channels_in, channels, 3), nn.Conv2d(channels, num_classes, 1, bias=False))


def mean(x: Tensor) -> Tensor:
    """[N, C, 1, 1]."""
    return x.mean(dim=(2, 3), keepdim=True)


def doubled(x: Tensor) -> Tensor:
    """[N, C, 2 H, 2 W], every pixel four times."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
