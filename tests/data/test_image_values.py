"""Images of more than 8 bits: which of their values are black and white."""

import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from nastk.data.images import ImageSet
from nastk.data.sources import load_images
from nastk.data.values import SIXTEEN_BITS, Extremes, ValueRange, extremes_of, range_note, value_range
from nastk.schema import DataConfig


def load(folder, split="train", like=None, **values) -> ImageSet:
    return load_images(DataConfig(dataset=str(folder), workers=0, **values), split, like)


def brightest(images: ImageSet) -> list[int]:
    """The greatest value of each image."""
    return next(images.pixels([torch.arange(images.num_images)])).flatten(1).max(dim=1).values.tolist()


@pytest.fixture
def write_deep(tmp_path):
    """Writes DIR/<split>/<class>/<number><suffix> of 8x8 images, two a class, with these greatest values."""

    def write(dtype, suffix=".png", train=(4000, 3000, 2000, 1000), test=(4000, 40, 2, 1)):
        for split, greatest in (("train", train), ("test", test)):
            for number, value in enumerate(greatest):
                place = tmp_path / split / "ab"[number // 2]
                place.mkdir(parents=True, exist_ok=True)
                values = np.linspace(0, value, 64).reshape(8, 8).astype(dtype)
                Image.fromarray(values).save(place / f"{number}{suffix}")
        return tmp_path

    return write


WHITES = {0: 255, 1: 255, 255: 255, 256: 511, 4000: 4095, 4095: 4095, 4096: 8191}
WHITES |= {32768: 65535, 65535: 65535, 65536: 131071, 2**31 - 1: 2**31 - 1}


@pytest.mark.parametrize(("highest", "white"), WHITES.items())
def test_white_of_whole_numbers_is_of_as_many_bits_as_they_use(highest, white):
    assert value_range(Extremes(0, highest, floating=False)) == ValueRange(0, white)


@pytest.mark.parametrize(
    ("extremes", "expected"),
    [
        (Extremes(0, 0.9, floating=True), ValueRange(0, 0.9)),
        (Extremes(0.2, 0.9, floating=True), ValueRange(0, 0.9)),
        (Extremes(-1.5, 30, floating=True), ValueRange(-1.5, 30)),
        (Extremes(-1024, 3071, floating=False), ValueRange(-1024, 3071)),
        (Extremes(0, 0, floating=True), ValueRange(0, 1)),
        (Extremes(-1e30, -1e30, floating=True), ValueRange(-1e30, 0)),
    ],
)
def test_floats_and_negative_numbers_reach_from_the_lowest_to_the_highest(extremes, expected):
    assert value_range(extremes) == expected


deep = st.sampled_from([np.uint16, np.int32, np.float32, np.dtype(">u2")])


@given(values=hnp.arrays(deep, hnp.array_shapes(max_dims=2)))
def test_no_values_come_out_nearly_black_or_in_another_order(values):
    as_bytes = value_range(extremes_of(values)).to_bytes(values)
    assert as_bytes.dtype == np.uint8 and as_bytes.shape == values.shape
    finite = np.isfinite(values)
    if finite.any():
        ordered = as_bytes[finite][np.argsort(values[finite], kind="stable")].astype(int)
        assert (np.diff(ordered) >= 0).all()
        assert ordered[-1] >= 127 or values[finite].max() < 128


def test_full_16_bits_are_scaled_as_ever():
    values = np.array([0, 1, 128, 129, 0x8000, 65535], np.uint16)
    assert SIXTEEN_BITS.to_bytes(values).tolist() == [0, 0, 0, 1, 128, 255]
    assert range_note(SIXTEEN_BITS) == ()


def test_what_is_not_finite():
    values = np.array([np.nan, -np.inf, 0, 4, np.inf], np.float32)
    assert extremes_of(values) == Extremes(0, 4, floating=True)
    assert value_range(extremes_of(values)).to_bytes(values).tolist() == [0, 0, 0, 255, 255]
    assert extremes_of(np.full(3, np.nan)) == Extremes(0, 0, floating=True)


@pytest.mark.parametrize("resident_mib", [0, 4096])
@pytest.mark.parametrize(
    ("dtype", "suffix", "white"),
    [(np.uint16, ".tif", 4095), (np.int32, ".tif", 4095), (np.float32, ".tif", 4000)],
)
def test_the_training_images_give_the_scale_of_a_set(write_deep, resident_mib, dtype, suffix, white):
    folder = write_deep(dtype, suffix)
    train = load(folder, resident_mib=resident_mib)
    test = load(folder, "test", train, resident_mib=resident_mib)
    assert train.values == test.values == ValueRange(0, white)
    assert f"{white:,} as white" in train.notes[0] and test.notes == ()
    expected = [round(value / white * 255) for value in (4000, 3000, 2000, 1000)]
    assert brightest(train) == pytest.approx(expected, abs=1)
    assert brightest(test) == [expected[0], 2 if white == 4095 else 3, 0, 0]


def test_deep_test_images_of_an_8_bit_set(write_deep):
    folder = write_deep(np.uint16, train=(4000,) * 4)
    for path in folder.glob("train/*/*.png"):
        Image.new("L", (8, 8), 200).save(path)
    train = load(folder)
    test = load(folder, "test", train)
    assert train.values is None and train.notes == ()
    assert test.values == ValueRange(0, 4095)
    assert "4,095 as white" in test.notes[0]


def test_a_deep_file_that_breaks_off(write_deep):
    folder = write_deep(np.uint16)
    path = folder / "train" / "a" / "0.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"1 of 4 files cannot be read: .*a/0.png"):
        load(folder)
    images = load(folder, skip_corrupt=True)
    assert images.num_images == 3
    assert images.values == ValueRange(0, 4095)


def test_16_bits_of_colour_are_told_of(write_folder):
    """Pillow keeps their upper 8, and writes no such file."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    folder = write_folder()
    rows = zlib.compress((b"\0" + b"\x0f\xff" * 8 * 3) * 8)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (folder / "train" / "a" / "0.png").write_bytes(content)
    images = load(folder)
    assert images.tensor[0].unique().tolist() == [0xF]
    assert "1 image of 16 bits" in images.notes[0] and "upper 8" in images.notes[0]
