import pytest
import torch
from PIL import Image

from nastk.data import sizes
from nastk.data.sizes import fit, resize_note, wanted_size
from nastk.data.sources import load_images
from nastk.schema import DataConfig


@pytest.mark.parametrize(
    ("sizes", "image_size", "wanted"),
    [
        ([(32, 32)], None, (32, 32)),
        ([(28, 40)], None, (28, 40)),
        ([(30, 43)], None, (28, 40)),
        ([(8, 8)], None, (8, 8)),
        ([(500, 400)], None, (500, 400)),
        ([(32, 32)], 16, (16, 16)),
        ([(4, 4)], 8, (8, 8)),
        ([(50, 43), (60, 60)], None, (40, 40)),
        ([(500, 400), (300, 300)], None, (64, 64)),
        ([(9, 40), (40, 40)], None, (16, 16)),
        ([(2, 2), (40, 40)], None, (16, 16)),
        ([(50, 43), (60, 60)], 48, (48, 48)),
    ],
)
def test_wanted_size(sizes, image_size, wanted):
    assert wanted_size(sizes, image_size) == wanted


@pytest.mark.parametrize(
    ("size", "max_side", "wanted"),
    [
        ((224, 224), 64, (64, 64)),
        ((480, 640), 64, (48, 64)),
        ((640, 480), 64, (64, 48)),
        ((64, 32), 64, (64, 32)),
        ((32, 2000), 64, (8, 64)),
        ((100, 100), 30, (28, 28)),
    ],
)
def test_sides_that_are_too_long_are_reduced(size, max_side, wanted):
    assert wanted_size([size], None, max_side) == wanted
    assert wanted_size([size], 32, max_side) == (32, 32)  # asked for


@pytest.mark.parametrize("size", [(7, 32), (32, 4)])
def test_too_small(size):
    with pytest.raises(ValueError, match="too small"):
        wanted_size([size], None)


@pytest.mark.parametrize("image_size", [30, 9, 4])
def test_image_size_must_be_a_multiple_of_4(image_size):
    with pytest.raises(ValueError, match=f"data.image_size: expected a multiple of 4.*found {image_size}"):
        load_images(DataConfig(image_size=image_size), "train")


def test_note():
    assert resize_note([(8, 8)], (8, 8)) == ()
    assert resize_note([(9, 9)], (8, 8))[0].startswith(
        "images of 9x9 pixels are scaled and centre-cropped to 8x8"
    )
    assert resize_note([(9, 9), (8, 8)], (16, 16))[0].startswith("images of 2 different sizes")


def test_fit_cuts_out_the_centre_of_the_longer_side():
    pixels = torch.zeros(3, 8, 24, 1, dtype=torch.uint8)
    pixels[:, :, 8:16] = 200
    assert fit(pixels, (8, 8)).unique().tolist() == [200]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (50, 1), (7, 9), (33, 32), (64, 64)])
def test_fit_gives_the_size(height, width):
    pixels = torch.full((height, width, 3), 77, dtype=torch.uint8)
    found = fit(pixels, (16, 20))
    assert found.shape == (16, 20, 3) and found.is_contiguous()
    assert found.unique().tolist() == [77]


def test_folder_of_different_sizes(write_folder):
    folder = write_folder(shape=(40, 30, 3))
    path = folder / "train" / "a" / "0.png"
    Image.open(path).resize((100, 26)).save(path)
    config = DataConfig(dataset=str(folder))
    images, test = load_images(config, "train"), load_images(config, "test")
    assert images.shape == test.shape == (3, 24, 24)
    end = "are scaled and centre-cropped to 24x24 (see data.image_size)"
    assert images.notes == (f"images of 2 different sizes {end}",)
    assert test.notes == (f"test images of 40x30 pixels {end}",)


def test_digits_enlarged():
    assert load_images(DataConfig(image_size=16, max_train=20), "train").shape == (1, 16, 16)


@pytest.mark.parametrize(("height", "width"), [(1, 60_000), (60_001, 1), (3, 300_000)])
def test_of_very_long_images_only_the_middle_is_scaled(height, width, monkeypatch):
    from torchvision.transforms.v2 import functional

    areas = []
    resize = functional.resize

    def watched(planes, size, **options):
        areas.append(size[0] * size[1])
        return resize(planes, size, **options)

    monkeypatch.setattr(functional, "resize", watched)
    pixels = torch.zeros(height, width, 1, dtype=torch.uint8)
    pixels[height // 2, width // 2] = 255
    found = fit(pixels, (224, 224))
    assert max(areas) <= 4 * 224 * 224
    assert found.shape == (224, 224, 1) and found.max() > 100
    assert fit(torch.full((1, 60_000, 3), 77, dtype=torch.uint8), (224, 224)).unique().tolist() == [77]


def test_the_middle_of_a_long_image_is_what_it_was(monkeypatch):
    pixels = torch.randint(256, (4, 900, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    whole = fit(pixels, (32, 32))
    monkeypatch.setattr(sizes, "_LARGE", 0)
    assert torch.equal(fit(pixels, (32, 32)), whole)
