import pytest
import torch
from torch import Tensor

from nastk.data.augmentation import Augmentation, Draws, normalise

MEAN, STD = (0.49139968, 0.48215827, 0.44653124), (0.24703233, 0.24348505, 0.26158768)


def images(num: int, height: int, width: int, channels: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (num, height, width, channels), dtype=torch.uint8, generator=generator)


def one_image(pixels: Tensor, draws: Draws, index: int, augmentation: Augmentation) -> Tensor:
    """The DARTS transforms of image `index`, step by step."""
    height, width, channels = pixels.shape
    pad = augmentation.pad
    padded = torch.zeros(height + 2 * pad, width + 2 * pad, channels, dtype=torch.uint8)
    padded[pad : pad + height, pad : pad + width] = pixels
    dy, dx = int(draws.dy[index]), int(draws.dx[index])
    crop = padded[dy : dy + height, dx : dx + width]
    if augmentation.flip and draws.flip[index]:
        crop = crop.flip(1)
    image = crop.permute(2, 0, 1).float() / 255
    image = (image - torch.tensor(MEAN[:channels])[:, None, None]) / torch.tensor(STD[:channels])[
        :, None, None
    ]
    half, cy, cx = augmentation.cutout // 2, int(draws.cy[index]), int(draws.cx[index])
    image[:, max(cy - half, 0) : max(cy + half, 0), max(cx - half, 0) : max(cx + half, 0)] = 0
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("size", "augmentation"),
    [
        ((32, 32), Augmentation(pad=4, flip=True, cutout=16)),
        ((8, 12), Augmentation(pad=2, flip=True, cutout=5)),
        ((12, 8), Augmentation(pad=0, flip=True, cutout=0)),
        ((8, 8), Augmentation(pad=8, flip=False, cutout=64)),
        ((8, 8), Augmentation(pad=0, flip=False, cutout=1)),
        ((8, 8), Augmentation(pad=0, flip=False, cutout=4)),
    ],
)
def test_batch_equals_image_by_image(size, augmentation, channels):
    pixels = images(64, *size, channels)
    before = pixels.clone()
    draws = augmentation.draw(64, *size, torch.Generator().manual_seed(1))
    batch = augmentation.apply(pixels, draws, MEAN[:channels], STD[:channels])
    expected = torch.stack([one_image(pixels[i], draws, i, augmentation) for i in range(64)])
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(batch, expected, rtol=0, atol=1e-6)
    assert torch.equal(batch == 0, expected == 0)
    assert torch.equal(pixels, before)


def test_nothing_switched_on_is_normalise():
    pixels = images(5, 8, 8, 3)
    nothing = Augmentation(pad=0, flip=False, cutout=0)
    batch = nothing.apply(pixels, nothing.draw(5, 8, 8, torch.Generator()), MEAN, STD)
    assert torch.equal(batch, normalise(pixels, MEAN, STD))


def test_normalise():
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1)
    assert normalise(pixels, (0.5,), (0.25,)).flatten().tolist() == pytest.approx([-2.0, 2.0])


def test_draws_cover_their_ranges():
    draws = Augmentation(pad=2, flip=True, cutout=4).draw(2000, 6, 9, torch.Generator().manual_seed(0))
    found = [sorted(values.unique().tolist()) for values in (draws.dy, draws.dx, draws.cy, draws.cx)]
    assert found == [list(range(5)), list(range(5)), list(range(6)), list(range(9))]
    assert 900 < int(draws.flip.sum()) < 1100


def test_switching_one_off_moves_no_other_draw():
    on = Augmentation(pad=4, flip=True, cutout=8).draw(9, 8, 8, torch.Generator().manual_seed(3))
    off = Augmentation(pad=4, flip=False, cutout=0).draw(9, 8, 8, torch.Generator().manual_seed(3))
    assert torch.equal(on.cx, off.cx)
    assert torch.equal(on.dy, off.dy)


def test_images_made_in_inference_mode_train_afterwards():
    pixels = images(2, 8, 8, 1)
    with torch.inference_mode():
        normalise(pixels, (0.123,), (0.5,))
    weight = torch.ones(1, requires_grad=True)
    (normalise(pixels, (0.123,), (0.5,)) * weight).sum().backward()
    assert weight.grad is not None
