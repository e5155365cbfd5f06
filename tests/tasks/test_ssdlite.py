"""SSDLite: its default boxes written out, the order of its outputs, decoding, losses without boxes, learning."""

import math

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from nastk.tasks.ssdlite import BOX_SIZES, Pyramid, SSDLite, _by_box, default_boxes

SIDES = (20, 10, 5, 3, 2, 1)
CLEAN_STEPS = [320 / side for side in SIDES]
PAPER_STEPS = [16, 32, 64, 100, 150, 300]


def written_out(steps: list[float]) -> Tensor:
    """The boxes [3234, 4] by their definition: centre and sides as shares of the image, then corners in pixels."""
    boxes = []
    for level, (side, step) in enumerate(zip(SIDES, steps, strict=True)):
        small, large = (size / 320 for size in BOX_SIZES[level : level + 2])
        middle = math.sqrt(small * large)
        shapes = [(small, small), (middle, middle)]
        for ratio in (2, 3):
            root = math.sqrt(ratio)
            shapes += [(small * root, small / root), (small / root, small * root)]
        for row in range(side):
            for column in range(side):
                x, y = (column + 0.5) * step / 320, (row + 0.5) * step / 320
                for width, height in shapes:
                    w, h = min(width, 1), min(height, 1)
                    boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return 320 * torch.tensor(boxes)


def generated(**options) -> Tensor:
    images = ImageList(torch.zeros(1, 3, 320, 320), [(320, 320)])
    (boxes,) = default_boxes(**options)(images, [torch.zeros(1, 1, side, side) for side in SIDES])
    return boxes


@pytest.mark.parametrize(("paper", "steps"), [(False, CLEAN_STEPS), (True, PAPER_STEPS)])
def test_default_boxes(paper, steps):
    boxes = generated(paper_steps=paper)
    assert boxes.shape == (3_234, 4)
    torch.testing.assert_close(boxes, written_out(steps), rtol=0, atol=1e-4)
    assert ((boxes[-1, :2] + boxes[-1, 2:]) / 2).tolist() == ([150, 150] if paper else [160, 160])


def test_small_boxes():
    boxes = generated(box_sizes=(20, 60, 105, 150, 195, 240, 285))
    torch.testing.assert_close(boxes[0], torch.tensor([-2.0, -2.0, 18.0, 18.0]))
    with pytest.raises(ValueError, match=r"^box_sizes: 7 are needed, found 6$"):
        default_boxes(BOX_SIZES[:6])


def test_levels(backbone_of):
    pyramid = Pyramid(backbone_of(-2, -1))
    levels = pyramid(torch.randn(2, 3, 320, 320))
    shapes = list(zip([64, 128, 512, 256, 256, 64], SIDES, SIDES, strict=True))
    assert [tuple(x.shape[1:]) for x in levels.values()] == shapes
    assert pyramid.channels == [x.shape[1] for x in levels.values()]
    assert (levels["5"] < 0).any(), "nothing behind the last norm"


@pytest.mark.parametrize("out_indices", [(0, 1, 2, 3), (-1,)])
def test_another_backbone(backbone_of, out_indices):
    found = {4: "1/4, 1/8, 1/16, 1/32", 1: "1/32"}[len(out_indices)]
    with pytest.raises(ValueError) as caught:
        SSDLite(backbone_of(*out_indices), 3)
    assert str(caught.value) == (
        f"a detection head reads maps of 1/16, 1/32 of the side, this backbone's are of {found}"
    )


def test_outputs_are_by_row_column_and_box():
    x = torch.arange(2 * 6 * 4 * 3 * 5).view(2, 6 * 4, 3, 5)
    y = _by_box(x)
    assert y.shape == (2, 3 * 5 * 6, 4)
    assert y[1, (2 * 5 + 3) * 6 + 4].equal(x[1, 4 * 4 : 5 * 4, 2, 3])


class Perfect(nn.Module):
    """Of every default box the offsets to the object it overlaps most, and its class where that is by half."""

    def __init__(self, detector: SSDLite, boxes: Tensor, labels: Tensor) -> None:
        super().__init__()
        default = generated()
        overlap = intersection_over_union(default, boxes)
        best = overlap.argmax(dim=1)
        (self.offsets,) = detector.box_coder.encode([boxes[best]], [default])
        matched = overlap.amax(dim=1) >= 0.5
        self.logits = 40.0 * nn.functional.one_hot(labels[best] * matched, 4)

    def forward(self, _levels):
        return {"bbox_regression": self.offsets[None], "cls_logits": self.logits[None]}


def intersection_over_union(one: Tensor, other: Tensor) -> Tensor:
    corners = torch.minimum(one[:, None, 2:], other[:, 2:]) - torch.maximum(one[:, None, :2], other[:, :2])
    shared = corners.clamp(min=0).prod(dim=-1)
    areas = [(x[:, 2:] - x[:, :2]).prod(dim=-1) for x in (one, other)]
    return shared / (areas[0][:, None] + areas[1] - shared)


def test_perfect_outputs_are_decoded_to_the_objects_in_the_images_own_pixels(backbone_of):
    detector = SSDLite(backbone_of(-2, -1), 3).eval()
    boxes = torch.tensor([[40.0, 50.0, 110.0, 120.0], [150.0, 20.0, 300.0, 200.0]])
    detector.head = Perfect(detector, boxes, torch.tensor([3, 1]))
    (found,) = detector([torch.rand(3, 160, 640)])  # enlarged to 320x320: y is doubled, x halved
    order = found["labels"].argsort(descending=True)
    assert found["labels"][order].tolist() == [3, 1]
    torch.testing.assert_close(
        found["boxes"][order], boxes * torch.tensor([2, 0.5, 2, 0.5]), rtol=0, atol=1e-3
    )
    assert (found["scores"] > 0.99).all()


def test_what_is_matched_and_what_is_kept(backbone_of):
    detector = SSDLite(backbone_of(-2, -1), 20)
    assert detector.box_coder.weights == (10, 10, 5, 5)
    assert (detector.proposal_matcher.high_threshold, detector.proposal_matcher.low_threshold) == (0.5, 0.5)
    assert detector.neg_to_pos_ratio == 3
    assert (detector.score_thresh, detector.nms_thresh) == (0.01, 0.45)
    assert (detector.topk_candidates, detector.detections_per_img) == (200, 200 * 20)


def test_images_are_normalised(backbone_of):
    seen = []
    detector = SSDLite(backbone_of(-2, -1), 3).eval()
    detector.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    detector([torch.full((3, 320, 320), 200 / 255)])
    torch.testing.assert_close(seen[0], torch.full((1, 3, 320, 320), (200 - 127) / 128))


def test_images_without_boxes_have_a_loss(backbone_of):
    detector = SSDLite(backbone_of(-2, -1), 3)
    none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = detector(list(torch.rand(2, 3, 64, 96)), [none, none])
    assert losses["bbox_regression"] == 0 and losses["classification"].isfinite()


def test_the_loss_falls(backbone_of, steps_to_half):
    detector = SSDLite(backbone_of(-2, -1), 3)
    images = list(torch.rand(2, 3, 320, 320))
    boxes = [[20.0, 20.0, 120.0, 120.0], [100.0, 150.0, 300.0, 250.0]]
    targets = [
        {"boxes": torch.tensor([box]), "labels": torch.tensor([label])}
        for box, label in zip(boxes, (1, 3), strict=True)
    ]
    assert steps_to_half(detector.parameters(), lambda: sum(detector(images, targets).values())) > 0
