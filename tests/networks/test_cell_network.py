"""The discrete network: shapes at all sides, the auxiliary head, operations, drop path."""

import pytest
import torch
from torch import nn

from nastk.archs import load_arch
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.drop_path import apply_operation, draw_masks, is_droppable
from nastk.networks.layout import AuxiliaryHead, check_image_size, reductions
from nastk.networks.operations import FactorizedReduce, build_operation
from nastk.spaces.cell import DARTS, RELATIVENAS


class Masks:
    """Masks that tell how many of them a forward pass takes."""

    def __init__(self, masks):
        self.rest = iter(masks)

    def to(self, _dtype):
        return self

    def unbind(self):
        return self.rest


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def small(arch="relativenas-cifar10", **options):
    options = {"init_channels": 4, "num_cells": 3, "num_classes": 5} | options
    return CellNetwork(load_arch(arch).genotype, **options)


@pytest.mark.parametrize("side", [8, 16, 20, 28, 32, 36, 48, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(side, channels):
    network = small("darts-v2", channels_in=channels, auxiliary=True, image_size=(side, side))
    images = torch.randn(2, channels, side, side)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 5)
    (logits.sum() + auxiliary.sum()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    logits, auxiliary = network.eval()(images)
    assert logits.shape == (2, 5)
    assert auxiliary is None


@pytest.mark.parametrize("shape", [(8, 64), (64, 8), (12, 20)])
def test_images_need_not_be_square(shape):
    logits, auxiliary = small(auxiliary=True, image_size=shape)(torch.randn(2, 3, *shape))
    assert logits.shape == auxiliary.shape == (2, 5)


@pytest.mark.parametrize("num_cells", [1, 2, 3, 4])
def test_few_cells(num_cells):
    network = small(num_cells=num_cells, auxiliary=True, image_size=(8, 8))
    assert [output.shape for output in network(torch.randn(2, 3, 8, 8))] == [(2, 5), (2, 5)]


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_odd_channels(channels):
    assert small(init_channels=channels)(torch.randn(2, 3, 8, 8))[0].shape == (2, 5)


@pytest.mark.parametrize("side", [64, 96, 224])
def test_the_imagenet_stem(side):
    network = small(stem="imagenet", auxiliary=True, image_size=(side, side))
    assert [output.shape for output in network(torch.randn(2, 3, side, side))] == [(2, 5), (2, 5)]


def test_the_imagenet_stem_halves_the_channels():
    with pytest.raises(
        ValueError, match=r"^network.init_channels: the imagenet stem needs at least 2, found 1$"
    ):
        small(stem="imagenet", init_channels=1)


@pytest.mark.parametrize("side", [8, 32])
def test_a_single_image_trains_without_the_auxiliary_head(side):
    """As the last batch of an epoch: its norm over one value a channel would raise."""
    logits, auxiliary = small(auxiliary=True)(torch.randn(1, 3, side, side))
    assert logits.shape == (1, 5)
    assert auxiliary is None


@pytest.mark.parametrize(
    ("size", "num_cells", "stem", "nearest"),
    [
        ((30, 30), 8, "cifar", "28x28, 32x32"),
        ((32, 30), 8, "cifar", "32x28, 32x32"),
        ((4, 4), 8, "cifar", "8x8"),
        ((0, 0), 8, "cifar", "8x8"),
        ((32, 32), 14, "imagenet", "64x64"),
        ((225, 225), 14, "imagenet", "224x224, 256x256"),
        ((180, 240), 14, "imagenet", "160x224, 192x256"),
    ],
)
def test_sides_that_cannot_be_halved(size, num_cells, stem, nearest):
    message = f"images of {size[0]}x{size[1]} pixels do not fit: with the {stem} stem and {num_cells} cells both sides "
    divisor = 32 if stem == "imagenet" else 4
    with pytest.raises(ValueError) as caught:
        small(num_cells=num_cells, stem=stem, image_size=size)
    assert str(caught.value) == (
        f"{message}must be multiples of {divisor} from {2 * divisor} up (nearest: {nearest}); set data.image_size"
    )
    if stem == "cifar":
        with pytest.raises(ValueError, match=message):
            CellSupernet(
                DARTS, DARTS.full_mask(), init_channels=2, num_cells=num_cells, num_classes=2, image_size=size
            )


def test_one_cell_halves_once():
    check_image_size(6, 6, num_cells=1, stem="cifar")
    with pytest.raises(ValueError, match="multiples of 2 from 4 up"):
        check_image_size(7, 7, num_cells=1, stem="cifar")


@pytest.mark.parametrize(
    ("num_cells", "positions"),
    [(5, {1, 3}), (8, {2, 5}), (11, {3, 7}), (14, {4, 9}), (17, {5, 11}), (20, {6, 13})],
)
def test_where_the_reductions_stand(num_cells, positions):
    assert reductions(num_cells) == positions


class PaperHead(nn.Module):
    """The auxiliary head of CIFAR as its authors define it, for maps of 8x8."""

    def __init__(self, channels, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, stride=3, padding=0, count_include_pad=False),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.view(x.size(0), -1))


def test_the_auxiliary_head_is_the_papers_where_that_is_defined():
    head, paper = AuxiliaryHead(12, 7, stem="cifar").double(), PaperHead(12, 7).double()
    own = [head.conv1, head.norm1, head.conv2, head.norm2, head.classifier]
    theirs = [*(paper.features[place] for place in (2, 3, 5, 6)), paper.classifier]
    for one, other in zip(own, theirs, strict=True):
        one.load_state_dict(other.state_dict())
    x = torch.randn(4, 12, 8, 8, dtype=torch.float64)
    assert torch.equal(head(x.relu()), paper(x))
    assert torch.equal(head.eval()(x.relu()), paper.eval()(x))


def test_the_auxiliary_head_stands_after_two_thirds_on_maps_of_8x8():
    seen = []
    network = small(num_cells=20, init_channels=2, auxiliary=True)
    network.auxiliary.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    network(torch.randn(2, 3, 32, 32))
    assert network.auxiliary_after == 13
    assert seen == [(2, 2 * 4 * 4, 8, 8)]


@pytest.mark.parametrize("name", DARTS.operations)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pool_norm", [True, False])
def test_operations_keep_the_size_or_halve_it(name, stride, dtype, pool_norm):
    operation = build_operation(name, 4, stride, affine=False, pool_norm=pool_norm).to(dtype)
    y = operation(torch.randn(2, 4, 8, 12, dtype=dtype))
    assert y.shape == (2, 4, 8 // stride, 12 // stride)
    assert y.dtype == dtype


@pytest.mark.parametrize("name", [name for name in DARTS.operations if name != "skip_connect"])
def test_odd_sides_are_rounded_up_by_all_operations_alike(name):
    operation = build_operation(name, 4, 2, affine=True, pool_norm=False)
    assert operation(torch.randn(2, 4, 7, 7)).shape == (2, 4, 4, 4)


def test_none_is_zero_whatever_comes_in():
    x = torch.full((1, 2, 7, 7), torch.nan, dtype=torch.bfloat16)
    for stride, side in ((1, 7), (2, 4)):
        y = build_operation("none", 2, stride, affine=True, pool_norm=True)(x)
        assert y.dtype == torch.bfloat16
        assert y.equal(torch.zeros(1, 2, side, side, dtype=torch.bfloat16))


def test_average_pooling_leaves_the_padding_out():
    y = build_operation("avg_pool_3x3", 1, 1, affine=True, pool_norm=False)(torch.ones(1, 1, 4, 4))
    assert y.equal(torch.ones(1, 1, 4, 4))


def test_factorized_reduce_looks_at_even_and_odd_pixels():
    reduce = FactorizedReduce(1, 3, affine=True).eval()
    assert (reduce.even.out_channels, reduce.odd.out_channels) == (1, 2)
    nn.init.ones_(reduce.even.weight)
    nn.init.ones_(reduce.odd.weight)
    reduce.norm.eps = 0.0
    y = reduce(torch.arange(-4.0, 12).view(1, 1, 4, 4))
    even, odd = torch.tensor([[0.0, 0.0], [4.0, 6.0]]), torch.tensor([[1.0, 3.0], [9.0, 11.0]])
    assert y.equal(torch.stack([even, odd, odd])[None])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("space", [DARTS, RELATIVENAS], ids=["darts", "relativenas"])
def test_everything_but_the_identity_is_droppable(space, stride):
    for name in space.operations:
        operation = build_operation(name, 4, stride, affine=True, pool_norm=space.pool_norm)
        assert is_droppable(operation) == (name != "skip_connect" or stride == 2)


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.5, 0.9])
def test_masks_are_zero_or_what_keeps_the_mean(probability):
    masks = draw_masks(50, 40, probability, torch.Generator().manual_seed(1))
    assert masks.shape == (50, 40, 1, 1, 1)
    kept = torch.ones(()) / (1 - probability)
    assert set(masks.unique().tolist()) == ({0.0, kept.item()} if probability else {1.0})
    assert abs((masks == 0).float().mean().item() - probability) < 0.04
    assert masks.equal(draw_masks(50, 40, probability, torch.Generator().manual_seed(1)))


def test_a_mask_scales_the_branch_of_each_image():
    x = torch.arange(12.0).view(3, 1, 2, 2) + 1
    pool = build_operation("max_pool_3x3", 1, 1, affine=True, pool_norm=False)
    mask = torch.tensor([0.0, 2.0, 4.0]).view(3, 1, 1, 1)
    y = apply_operation(pool, x, iter([mask]))
    assert [image.unique().tolist() for image in y] == [[0.0], [16.0], [48.0]]
    assert apply_operation(pool, x, None).equal(pool(x))
    assert apply_operation(nn.Identity(), x, iter([])) is x


@pytest.mark.parametrize("arch", ["relativenas-cifar10", "darts-v1", "pdarts-cifar10"])
@pytest.mark.parametrize("num_cells", [1, 5])
def test_a_network_takes_as_many_masks_as_it_says(arch, num_cells):
    network = small(arch, num_cells=num_cells)
    masks = Masks(draw_masks(network.num_drop_paths, 2, 0.3, torch.Generator().manual_seed(0)))
    network(torch.randn(2, 3, 8, 8), masks)
    assert next(masks.rest, None) is None


def test_drop_paths_of_the_published_network():
    """7 of 8 branches of a normal cell; in a reduction cell one of two skips reduces, hence counts."""
    assert small(num_cells=8).num_drop_paths == 6 * 7 + 2 * 8
    assert small("darts-v2", num_cells=8).num_drop_paths == 6 * 6 + 2 * 5


def test_masks_of_zero_leave_the_identities():
    """The same as a network whose droppable operations all answer zero."""
    network = small(num_cells=4).eval()
    images = torch.randn(2, 3, 8, 8)
    dropped = network(images, torch.zeros(network.num_drop_paths, 2, 1, 1, 1))[0]
    for cell in network.cells:
        for operation in cell.operations:
            if not isinstance(operation, nn.Identity):
                operation.register_forward_hook(lambda _, inputs, output: torch.zeros_like(output))
    assert torch.equal(dropped, network(images)[0])
    assert not torch.equal(dropped, small(num_cells=4).eval()(images)[0])


def test_masks_of_one_change_nothing():
    network = small().eval()
    images = torch.randn(2, 3, 8, 8)
    assert network(images, torch.ones(network.num_drop_paths, 2, 1, 1, 1))[0].equal(network(images)[0])


def test_a_training_step_in_reduced_precision_on_the_cpu():
    network = small(auxiliary=True)
    with torch.autocast("cpu", torch.bfloat16):
        logits, auxiliary = network(torch.randn(2, 3, 8, 8))
    (logits.sum() + auxiliary.sum()).backward()
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in network.parameters())


def test_second_derivatives_as_second_order_methods_take_them():
    operation = build_operation("dil_conv_3x3", 2, 1, affine=True, pool_norm=False).double().eval()
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(operation, x)
