"""Detection: SSDLite at 320 pixels on a backbone, on torchvision's SSD.

Source: SSD (arXiv 1512.02325) with the separable convolutions of MobileNetV2 (arXiv 1801.04381), in the size that
RelativeNAS's public code (EMI-Group/TransferLearning-Tasks) gives it. torchvision's are the default boxes, matching,
loss, decoding and suppression; its own SSDLite has other heads.
Legend: N images, A boxes, K classes with the background, which is 0.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD

from nastk.networks.backbone import Backbone
from nastk.networks.batch_norm import BatchNorm2d
from nastk.networks.depthwise import DepthwiseConv2d
from nastk.networks.pointwise import PointwiseConv2d

SIDE = 320  # pixels, of the images as the network sees them
EXTRAS = ((512, 0.2), (256, 0.25), (256, 0.5), (64, 0.25))  # channels, and how many of the input's are inside
BOX_SIZES = (60, 105, 150, 195, 240, 285, 330)  # pixels; a level has those between its own and the next one's
RATIOS = (2, 3)  # of a box's sides, either way round
BOXES = 2 + 2 * len(RATIOS)  # at every place of every level
PAPER_STEPS = (16, 32, 64, 100, 150, 300)  # pixels between places; the last three are of 300-pixel images
CANDIDATES = 200  # of each class that suppression looks at


class SSDLite(SSD):
    """Boxes with classes and scores in images, as torchvision's detectors: forward(images, targets).

    images: float [C, H, W] from 0 to 1, each of its own size; they are brought to 320x320 inside, without keeping
    their aspect, and normalised. targets, in training: of each image boxes [A, 4] in pixels (x1, y1, x2, y2) and
    labels [A] from 1 on; the losses are returned. In evaluation: of each image boxes, labels and scores.

    backbone: of the maps of 1/16 and 1/32; four extra levels follow them, down to 1x1. ValueError for another one.
    num_classes: of objects, without the background. box_sizes: seven sides in pixels, smaller ones for small objects.
    paper_steps: places of boxes are as far apart as in the public code, whose last three levels are off the centre.
    mean, std: of the normalisation, which should be the one that the backbone's weights were trained with;
    the default is the public code's for detection, (x - 127) / 128 of 255.

    In training a batch has at least 2 images: the last level is one pixel, of which norms have no variance.
    Differs from the public code: the steps, unless asked for; a batch without any box has a loss, where there it
    divides by zero; norms count no batches.
    """

    def __init__(
        self,
        backbone: Backbone,
        num_classes: int,
        *,
        box_sizes: Sequence[float] = BOX_SIZES,
        paper_steps: bool = False,
        mean: Sequence[float] = (127 / 255,) * 3,
        std: Sequence[float] = (128 / 255,) * 3,
    ) -> None:
        pyramid = Pyramid(backbone)
        super().__init__(
            pyramid,
            default_boxes(box_sizes, paper_steps=paper_steps),
            (SIDE, SIDE),
            num_classes + 1,
            image_mean=list(mean),
            image_std=list(std),
            head=Heads(pyramid.channels, num_classes + 1),
            score_thresh=0.01,
            nms_thresh=0.45,
            iou_thresh=0.5,
            topk_candidates=CANDIDATES,
            detections_per_img=CANDIDATES * num_classes,  # no limit besides that of each class
            positive_fraction=0.25,  # three hard negatives a positive, of each image
        )


class Pyramid(nn.Module):
    """Maps by level, as torchvision takes them: the backbone's two, and each extra's of the one before."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        backbone.check_reductions((16, 32), "a detection head")
        self.backbone = backbone
        self.extras = nn.ModuleList()
        self.channels = list(backbone.channels)
        for channels, ratio in EXTRAS:
            self.extras.append(Extra(self.channels[-1], channels, ratio))
            self.channels.append(channels)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        levels = self.backbone(images)
        for extra in self.extras:
            levels.append(extra(levels[-1]))
        return OrderedDict((str(level), x) for level, x in enumerate(levels))


class Extra(nn.Sequential):
    """An inverted residual without a shortcut: half the side of the map, rounded up, and nothing behind its norm."""

    def __init__(self, channels_in: int, channels: int, ratio: float) -> None:
        inside = round(channels_in * ratio)
        super().__init__(
            PointwiseConv2d(channels_in, inside),
            BatchNorm2d(inside),
            nn.ReLU6(inplace=True),
            DepthwiseConv2d(inside, kernel=3, stride=2, dilation=1),
            BatchNorm2d(inside),
            nn.ReLU6(inplace=True),
            PointwiseConv2d(inside, channels),
            BatchNorm2d(channels),
        )


class Heads(nn.Module):
    """Of every default box the offsets [N, A, 4] and the logits [N, A, K], by level, row, column, box."""

    def __init__(self, channels: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.boxes, self.classes = _predictors(channels, 4), _predictors(channels, num_classes)

    def forward(self, levels: list[Tensor]) -> dict[str, Tensor]:
        return {
            name: torch.cat([_by_box(head(x)) for head, x in zip(heads, levels, strict=True)], dim=1)
            for name, heads in (("bbox_regression", self.boxes), ("cls_logits", self.classes))
        }


def _predictors(channels: Sequence[int], values: int) -> nn.ModuleList:
    """One a level, of whose last pixel a plain convolution is enough."""
    *others, last = channels
    separable = (_separable(width, BOXES * values) for width in others)
    return nn.ModuleList([*separable, nn.Conv2d(last, BOXES * values, 1)])


def _separable(channels: int, outputs: int) -> nn.Sequential:
    """A depthwise 3x3 and a pointwise convolution, both with a bias."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
        BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, outputs, 1),
    )


def _by_box(x: Tensor) -> Tensor:
    """[N, boxes * values, H, W] -> [N, H * W * boxes, values]."""
    return x.permute(0, 2, 3, 1).reshape(len(x), -1, x.shape[1] // BOXES)


def default_boxes(
    box_sizes: Sequence[float] = BOX_SIZES, *, paper_steps: bool = False
) -> DefaultBoxGenerator:
    """Six at every place of every level: two squares, and of each ratio a wide and a tall one, in this order;
    none larger than the image.

    box_sizes: seven, in pixels: a level's first square has its own, the second the geometric mean of that and the next.
    """
    levels = len(PAPER_STEPS)
    if len(box_sizes) != levels + 1:
        raise ValueError(f"box_sizes: {levels + 1} are needed, found {len(box_sizes)}")
    scales = [size / SIDE for size in box_sizes]
    steps = list(PAPER_STEPS) if paper_steps else None  # None: levels are divided evenly
    return DefaultBoxGenerator([list(RATIOS)] * levels, scales=scales, steps=steps)
