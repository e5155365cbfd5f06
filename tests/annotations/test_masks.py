"""Masks of pixels: numbers of classes, whatever their colours, and what is said of masks that are wrong."""

import struct
import zipfile
import zlib

import numpy as np
import pytest
from annotated import HEIGHT, WIDTH, put_image, put_mask, put_text, refused
from PIL import Image

from nastk.annotations import legends
from nastk.annotations.classes import counts_text
from nastk.annotations.mask_layouts import load_masks
from nastk.annotations.masks import listed_classes, read_mask, read_masks
from nastk.annotations.sets import IGNORED, Legend
from nastk.data.decoding import decode_indices

STRIPES = np.repeat(np.array([0, 1, 255, 1], np.uint8), HEIGHT // 4)[:, None].repeat(WIDTH, axis=1)
QUARTER = HEIGHT * WIDTH // 4


@pytest.fixture
def load(tmp_path):
    def load(name="set", **options):
        return load_masks(tmp_path / name, tmp_path / "data", **options)

    return load


def put_plain(folder, *parts, values=STRIPES, images="images/{}", masks="masks/{}"):
    for part in parts:
        put_image(folder / images.format(part) / "a.jpg")
        put_mask(folder / masks.format(part) / "a.png", values)


def png(width, height, depth, colour, rows):
    """Of grey pixels of few bits, which Pillow does not write."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("palette", [False, True])
def test_numbers_and_not_colours_are_read(tmp_path, palette):
    values = np.arange(240, dtype=np.uint8).reshape(12, 20)
    found = decode_indices(str(put_mask(tmp_path / "a.png", values, palette=palette)))
    assert found.dtype == np.uint8 and np.array_equal(found, values)


@pytest.mark.parametrize(
    ("depth", "row", "values"),
    [(1, 0b10110000, [1, 0, 1, 1]), (2, 0b11100100, [3, 2, 1, 0]), (4, 0xF1, [15, 1])],
)
def test_numbers_of_few_bits(tmp_path, depth, row, values):
    (tmp_path / "a.png").write_bytes(png(len(values), 1, depth, 0, [bytes([row])]))
    assert decode_indices(str(tmp_path / "a.png")).tolist() == [values]


def test_images_that_are_no_masks(tmp_path):
    path = tmp_path / "a.png"
    for kind, mode, words in (
        ("PNG", "RGB", "its pixels are RGB, expected numbers"),
        ("JPEG", "L", "a JPEG, expected a PNG"),
    ):
        Image.new(mode, (4, 4)).save(path, format=kind)
        refused(lambda: decode_indices(str(path)), words)


@pytest.mark.parametrize(
    ("images", "masks"),
    [("images/{}", "masks/{}"), ("{}/images", "{}/masks"), ("Images/{}", "annotations/{}")],
)
def test_plain_folders(load, tmp_path, images, masks):
    put_plain(tmp_path / "set", "train", "val", images=images, masks=masks)
    parts = load()
    assert list(parts) == ["train", "validation"]
    train = parts["train"]
    (image,) = train.images
    assert train.legend == Legend(("0", "1"), (0, 1), frozenset({IGNORED})) and not train.notes
    assert image.path == str(tmp_path / "set" / images.format("train") / "a.jpg")
    assert image.mask == str(tmp_path / "set" / masks.format("train") / "a.png")
    assert (image.id, image.size, image.pixels.tolist()) == ("a", (HEIGHT, WIDTH), [QUARTER, 2 * QUARTER])
    assert np.array_equal(read_mask(image, train.legend), STRIPES)


def test_images_and_masks_without_parts_are_for_training(load, tmp_path):
    put_plain(tmp_path / "set" / "around", "", images="images", masks="masks")
    assert list(load()) == ["train"]


def test_values_with_gaps_become_labels_without(load, tmp_path):
    put_plain(tmp_path / "set", "train", values=np.where(STRIPES == 1, 128, STRIPES))
    train = load(ignored=())["train"]
    assert (train.classes, train.counts().tolist()) == (("0", "128", "255"), [QUARTER, 2 * QUARTER, QUARTER])
    labels = read_mask(train.images[0], train.legend)
    assert np.array_equal(labels, np.where(STRIPES == 255, 2, STRIPES))


def test_a_named_value_is_ignored(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    train = load(ignored=(0,))["train"]
    assert train.classes == ("1", "255")
    labels = read_mask(train.images[0], train.legend)
    assert np.array_equal(labels, np.choose(np.where(STRIPES == 255, 2, STRIPES), [IGNORED, 0, 1]))


def test_classes_txt(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    put_text(tmp_path / "set" / "classes.txt", "sky\nroad\n\ncar\n")
    train = load()["train"]
    assert (train.classes, train.counts().tolist()) == (("sky", "road", "car"), [QUARTER, 2 * QUARTER, 0])
    assert load(ignored=(0, 255))["train"].legend == Legend(("road", "car"), (1, 2), frozenset({0, 255}))
    assert counts_text(load(), "pixel").splitlines() == [
        "train 1 image with 1,800 pixels of 2 classes",
        "  sky   train   600",
        "  road  train 1,200",
        "  no pixel of 1 class: car",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\nb\na", "expected a class a line, each once"),
        ("\n", "expected a class a line"),
        ("\n".join(map(str, range(256))), "has 256 classes; masks have at most 255"),
    ],
)
def test_wrong_classes_txt(tmp_path, text, words):
    refused(lambda: listed_classes(put_text(tmp_path / "classes.txt", text)), "classes.txt", words)


def test_unknown_values(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    put_plain(tmp_path / "set", "val", values=np.where(STRIPES == 1, 7, STRIPES))
    refused(
        load,
        "images/val: mask ",
        "val/a.png: it has pixels of 7, which is no class (expected 0, 1, or 255 for",
    )
    put_text(tmp_path / "set" / "classes.txt", "\n".join("abcdefg"))
    refused(
        load,
        "images/val: mask ",
        "pixels of 7, which is no class (expected 0 to 6, or 255 for what is ignored)",
    )


def test_classes_that_no_training_image_has(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    put_plain(tmp_path / "set", "val", values=np.where(STRIPES == 0, 2, STRIPES))
    put_text(tmp_path / "set" / "classes.txt", "sky\nroad\ncar")
    train, val = load().values()
    assert not train.notes
    assert val.notes == (
        f"{tmp_path}/set/images/val has something of 1 class that no training image has: car",
    )
    put_mask(tmp_path / "set" / "masks" / "val" / "a.png", 2)
    refused(load, "images/val has no class in common with ", "images/train: car there, sky, road here")


def test_masks_of_another_size(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    put_mask(tmp_path / "set" / "masks" / "train" / "a.png", STRIPES.T)
    refused(load, "mask ", "a.png: it is 40 pixels wide and 60 high, its image 60 pixels wide and 40 high")


def test_masks_that_are_not_there_or_damaged(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    image = put_image(tmp_path / "set" / "images" / "train" / "b.jpg")
    refused(load, "images/train: b: there is no mask of this name")
    mask = put_text(tmp_path / "set" / "masks" / "train" / "b.png", "no image")
    refused(load, "b.png: not an image")
    put_mask(mask, 1, mode="RGB")
    refused(load, "b.png: its pixels are RGB")
    put_mask(mask, 1)
    put_text(image, "no image")
    refused(load, "b.jpg: not an image")


def test_masks_that_went_bad_later(load, tmp_path):
    put_plain(tmp_path / "set", "train")
    train = load()["train"]
    put_text(tmp_path / "set" / "masks" / "train" / "a.png", "")
    refused(
        lambda: read_mask(train.images[0], train.legend), "cannot read ", "a.png (0 bytes); it could be read"
    )


def test_masks_with_nothing_to_tell_apart(load, tmp_path):
    put_plain(tmp_path / "set", "train", values=np.where(STRIPES == 1, 255, STRIPES))
    refused(load, "its masks have only the value 0, 255 being ignored: there is nothing to tell apart")
    assert load(ignored=())["train"].classes == ("0", "255")
    put_plain(tmp_path / "set", "train", values=255)
    refused(load, "its masks have no value of a class, 255 being ignored")


def test_what_is_no_set_of_masks(load, tmp_path):
    put_image(tmp_path / "set" / "a.png")
    refused(load, "set has no masks that are known: expected images/train/* with masks/train/*.png")
    put_plain(tmp_path / "other", "val")
    refused(lambda: load("other"), "other has masks of validation, none of train")
    refused(lambda: load("set/a.png"), "a.png is not a folder or a .zip")
    refused(lambda: load("missing"), "missing does not exist (expected a folder or a .zip)")
    refused(lambda: read_masks(tmp_path, [], None), "has no image with a mask")


def test_voc(load, tmp_path):
    year = tmp_path / "set" / "VOCdevkit" / "VOC2012"
    for name in "abc":
        put_image(year / "JPEGImages" / f"{name}.jpg")
        put_mask(
            year / "SegmentationClass" / f"{name}.png", np.where(STRIPES == 1, 20, STRIPES), palette=True
        )
    assert [image.id for image in load()["train"].images] == ["a", "b", "c"]
    put_text(year / "ImageSets" / "Segmentation" / "train.txt", "a\n")
    put_text(year / "ImageSets" / "Segmentation" / "val.txt", "c\nb\n")
    train, val = load().values()
    assert [image.id for image in train.images] == ["a"] and [image.id for image in val.images] == ["c", "b"]
    assert train.legend == legends.VOC
    assert (train.counts() > 0).nonzero()[0].tolist() == [0, 20] and train.classes[20] == "tvmonitor"
    put_text(year / "ImageSets" / "Segmentation" / "val.txt", "d")
    refused(load, "val.txt: d: there is no image of this name")


@pytest.mark.parametrize(("kind", "car"), [("labelTrainIds", 13), ("labelIds", 26)])
def test_cityscapes(load, tmp_path, kind, car):
    place = tmp_path / "set"
    for part, city in (("train", "aachen"), ("val", "bonn"), ("test", "bern")):
        put_image(place / "leftImg8bit" / part / city / f"{city}_1_leftImg8bit.png")
        for other, value in (("color", 200), ("instanceIds", 199), (kind, np.where(STRIPES == 1, car, 255))):
            put_mask(place / "gtFine" / part / city / f"{city}_1_gtFine_{other}.png", value)
    train, val = load().values()
    assert [image.id for image in (*train.images, *val.images)] == ["aachen/aachen_1", "bonn/bonn_1"]
    assert train.counts()[train.classes.index("car")] == train.counts().sum() == 2 * QUARTER
    assert np.array_equal(read_mask(train.images[0], train.legend), np.where(STRIPES == 1, 13, IGNORED))
    (place / "gtFine" / "train" / "aachen" / f"aachen_1_gtFine_{kind}.png").unlink()
    refused(load, "gtFine has no train/<city>/*_gtFine_labelTrainIds or *_gtFine_labelIds.png")


def test_camvid(shared_data, tmp_path):
    parts = load_masks(shared_data / "camvid_240x180.zip", tmp_path)
    assert {name: len(part.images) for name, part in parts.items()} == {
        "train": 367,
        "validation": 101,
        "test": 233,
    }
    train = parts["train"]
    assert train.legend == legends.CAMVID and len(train.classes) == 11
    assert not any(part.notes for part in parts.values()) and (train.counts() > 0).all()
    with zipfile.ZipFile(shared_data / "camvid_240x180.zip") as archive:
        image = train.images[0]
        values = np.array(Image.open(archive.open(f"trainannot/{image.id}.png")))
    assert np.array_equal(read_mask(image, train.legend), np.where(values == 11, IGNORED, values))
    assert image.pixels.tolist() == [int((values == value).sum()) for value in range(11)]
