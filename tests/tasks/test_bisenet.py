"""BiSeNet: the sides of its maps, what its attentions do, learning."""

import pytest
import torch
from torch.nn import functional as F

from nastk.tasks.bisenet import AttentionRefinement, BiSeNet, Fusion


@pytest.mark.parametrize("size", [(64, 96), (30, 62)])
def test_outputs_have_the_images_side(backbone_of, size):
    segmenter = BiSeNet(backbone_of(-2, -1), 5)
    outputs = segmenter(torch.randn(2, 3, *size))
    assert [x.shape for x in outputs] == [(2, 5, *size)] * 3
    assert [x.shape for x in segmenter.eval()(torch.randn(1, 3, *size))] == [(1, 5, *size)]


def test_where_the_outputs_stand(backbone_of):
    segmenter, seen = BiSeNet(backbone_of(-2, -1), 5), []
    for output in (segmenter.main, segmenter.auxiliary8, segmenter.auxiliary16):
        output.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    path = {}
    for name in ("head16", "head32"):
        head = segmenter.context.get_submodule(name)
        head.register_forward_hook(lambda _, inputs, output, name=name: path.update({name: output}))
    segmenter(torch.randn(2, 3, 64, 128))
    assert [tuple(x.shape[1:]) for x in seen] == [(256, 8, 16), (128, 8, 16), (128, 4, 8)]
    assert seen[1] is path["head16"] and seen[2] is path["head32"]


def test_outputs_are_resized_from_corner_to_corner(backbone_of):
    segmenter, seen = BiSeNet(backbone_of(-2, -1), 5).eval(), []
    segmenter.main.register_forward_hook(lambda _, inputs, output: seen.append(output))
    (output,) = segmenter(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(output[..., ::9, ::9], seen[0])  # 7 steps of a map of 8x8 are 63 pixels


def test_everything_is_read_and_trained(backbone_of):
    segmenter = BiSeNet(backbone_of(-2, -1), 5)
    sum(x.square().mean() for x in segmenter(torch.randn(2, 3, 64, 64))).backward()
    assert all(parameter.grad is not None for parameter in segmenter.parameters())


def test_refinement_weights_channels_by_a_sigmoid():
    refinement = AttentionRefinement(8).eval()
    x = torch.randn(2, 8, 4, 4)
    refinement.attention[1].running_mean.fill_(0)
    refinement.attention[0].weight.data.zero_()
    torch.testing.assert_close(refinement(x), refinement.conv(x) / 2)
    refinement.attention[1].bias.data.fill_(-1.0)  # nothing cuts it off before the sigmoid
    torch.testing.assert_close(refinement(x), refinement.conv(x) * torch.tensor(-1.0).sigmoid())


def test_fusion_adds_what_its_attention_keeps():
    fusion = Fusion().eval()
    spatial, context = torch.randn(2, 2, 128, 4, 4).unbind()
    x = fusion.conv(torch.cat([spatial, context], dim=1))
    weights = [fusion.attention[at].weight[:, :, 0, 0] for at in (0, 2)]
    attention = F.linear(F.relu(F.linear(x.mean(dim=(2, 3)), weights[0])), weights[1]).sigmoid()
    torch.testing.assert_close(fusion(spatial, context), x * (1 + attention[:, :, None, None]))


def test_activations_leak():
    x = AttentionRefinement(8).eval().conv[2](torch.tensor([-100.0, 3.0]))
    assert x.tolist() == pytest.approx([-1.0, 3.0])


def test_another_backbone(backbone_of):
    with pytest.raises(ValueError) as caught:
        BiSeNet(backbone_of(1, 2, 3), 5)
    assert str(caught.value) == (
        "a segmentation head reads maps of 1/16, 1/32 of the side, this backbone's are of 1/8, 1/16, 1/32"
    )


def test_the_loss_falls(backbone_of, steps_to_half):
    segmenter = BiSeNet(backbone_of(-2, -1), 4)
    images, classes = torch.randn(2, 3, 64, 64), torch.zeros(2, 64, 64, dtype=torch.int64)
    classes[:, :32], classes[:, :, :32] = 1, 2
    steps_to_half(segmenter.parameters(), lambda: sum(F.cross_entropy(x, classes) for x in segmenter(images)))
