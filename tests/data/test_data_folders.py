import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nastk.data import decoding, files, folders, listing
from nastk.data.decoding import Form, decode
from nastk.data.images import ResidentImages, StreamedImages
from nastk.data.sources import load_images
from nastk.schema import DataConfig


def load(folder, split="train", like=None, **values):
    return load_images(DataConfig(dataset=str(folder), workers=0, **values), split, like)


def refused(folder, *words, split="train", **values):
    with pytest.raises(ValueError) as caught:
        load(folder, split, **values)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message


def test_classes_labels_and_pixels(write_folder):
    folder = write_folder(classes=("b", "a", "Z"))
    images = load(folder)
    assert isinstance(images, ResidentImages)
    assert images.classes == ("Z", "a", "b")
    assert images.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert images.notes == ()
    first = np.asarray(Image.open(folder / "train" / "Z" / "0.png"))
    assert np.array_equal(images.tensor[0].numpy(), first)


def test_training_needs_no_test_folder_and_never_lists_one(write_folder, monkeypatch):
    folder = write_folder(splits=("train",))
    assert load(folder, test_portion=0).num_images == 6
    refused(folder, "no folder test or val", "data.test_portion=0", split="test", test_portion=0)
    (folder / "test").mkdir()
    (folder / "val").mkdir()
    seen = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: seen.append(os.fspath(path)) or scandir(path))
    load(folder)
    assert seen and not any({"test", "val"} & {*Path(path).relative_to(folder).parts} for path in seen)


@pytest.mark.parametrize("name", ["test", "val"])
def test_test_or_val(write_folder, name):
    folder = write_folder(splits=("train", name))
    train = load(folder)
    test = load(folder, "test", like=train)
    assert test.num_images == 6
    assert (test.mean, test.std, test.classes) == (train.mean, train.std, train.classes)


def test_hidden_files_and_folders_do_not_count(write_folder):
    folder = write_folder()
    for name in (".x.png", ".deep/x.png", "notes.txt"):
        path = folder / "train" / "a" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no image")
    (folder / "train" / ".cache").mkdir()
    assert load(folder).num_images == 6


def test_files_in_folders_below_count(write_folder):
    folder = write_folder()
    (folder / "train" / "a" / "images").mkdir()
    shutil.move(folder / "train" / "a" / "0.png", folder / "train" / "a" / "images" / "0.PNG")
    assert load(folder).labels.tolist() == [0] * 3 + [1] * 3


def test_no_train_folder(write_folder):
    refused(write_folder(splits=("test",)), "has no folder train", "train/<class>/")


def test_no_class_folders(write_folder):
    folder = write_folder(splits=("val",))
    (folder / "train").mkdir()
    refused(folder, "no class folders")


def test_only_one_class(write_folder):
    refused(write_folder(classes=("only",)), "only one class, 'only'")


def test_empty_class(write_folder):
    folder = write_folder()
    (folder / "train" / "hollow").mkdir()
    refused(folder, folder / "train" / "hollow", ".png")


def test_a_class_that_only_the_test_images_have(write_folder):
    folder = write_folder(classes=("a", "b", "c"))
    shutil.rmtree(folder / "train" / "c")
    refused(folder, folder / "test", "'c' is in no training image", split="test")


@pytest.mark.parametrize("empty", [False, True])
def test_a_class_that_the_test_images_lack(write_folder, empty):
    folder = write_folder(classes=("a", "b", "c"))
    shutil.rmtree(folder / "test" / "b")
    if empty:
        (folder / "test" / "b").mkdir()
    test = load(folder, "test")
    assert (test.classes, test.labels.tolist()) == (("a", "b", "c"), [0] * 3 + [2] * 3)
    assert test.notes == (f"{folder}/test has no image of class 'b'",)
    shutil.rmtree(folder / "test" / "c")
    assert load(folder, "test").labels.tolist() == [0] * 3
    shutil.rmtree(folder / "test" / "a")
    (folder / "test" / "c").mkdir()
    refused(folder, folder / "test", "has no image", split="test")


def broken_files(folder: Path) -> None:
    whole = (folder / "train" / "a" / "0.png").read_bytes()
    (folder / "train" / "a" / "4.png").write_bytes(b"")
    (folder / "train" / "a" / "5.jpg").write_bytes(b"<html>not found</html>")
    (folder / "train" / "b" / "4.png").write_bytes(whole[: len(whole) // 2])
    (folder / "train" / "b" / "5.webp").symlink_to("nowhere.webp")


@pytest.mark.parametrize("resident_mib", [0, 4096])
class TestBrokenFiles:
    def test_stop_the_load(self, write_folder, resident_mib):
        folder = write_folder()
        broken_files(folder)
        refused(
            folder,
            "3 of 10 files cannot be read",
            f"{folder}/train/a/4.png (0 bytes)",
            "5.jpg (not an image)",
            "5.webp (no such file or directory)",
            "data.skip_corrupt=true",
            resident_mib=resident_mib,
        )

    def test_a_truncated_one_stops_the_load(self, write_folder, resident_mib):
        folder = write_folder(shape=(64, 64, 3))
        path = folder / "train" / "b" / "1.png"
        path.write_bytes(path.read_bytes()[:-2000])
        refused(folder, "1 of 6 files", path, resident_mib=resident_mib)

    def test_a_truncated_jpeg_stops_the_load(self, write_folder, resident_mib):
        folder = write_folder(shape=(64, 64, 3))
        path = folder / "train" / "b" / "1.jpeg"
        Image.open(folder / "train" / "b" / "1.png").save(path)
        path.write_bytes(path.read_bytes()[:-500])
        refused(folder, "1 of 7 files", path, resident_mib=resident_mib)

    def test_are_left_out_on_request(self, write_folder, resident_mib):
        folder = write_folder()
        whole = load(folder)
        broken_files(folder)
        images = load(folder, skip_corrupt=True, resident_mib=resident_mib)
        assert images.labels.tolist() == whole.labels.tolist()
        assert torch.equal(next(images.pixels([torch.arange(6)])), whole.tensor)
        assert "left out 4 files" in images.notes[-1]
        assert "and 1 more" in images.notes[-1]

    def test_all_of_a_class(self, write_folder, resident_mib):
        folder = write_folder()
        for path in (folder / "train" / "b").iterdir():
            path.write_bytes(b"")
        refused(
            folder, folder / "train" / "b", "none of its files", skip_corrupt=True, resident_mib=resident_mib
        )


def test_file_without_permission(write_folder, monkeypatch):
    folder = write_folder()
    opened = files.open_file

    def denying(path):
        if path.endswith("a/1.png"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path)

    for module in (decoding, folders, listing):
        monkeypatch.setattr(module, "open_file", denying)
    refused(folder, "a/1.png (permission denied)")
    assert load(folder, skip_corrupt=True).num_images == 5


def test_folder_without_permission(write_folder, monkeypatch):
    folder = write_folder()

    def denied(path):
        raise PermissionError(13, "Permission denied", os.fspath(path))

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: denied(path) if "train" in str(path) else scandir(path))
    refused(folder, "train: permission denied")
    monkeypatch.setattr(os, "scandir", denied)
    refused(folder, "set: permission denied")


def save(folder: Path, mode: str, suffix: str = ".png") -> None:
    """Replace a/0.png by a picture of this mode."""
    image = Image.open(folder / "train" / "a" / "0.png").convert("RGB")
    if mode == "I;16":
        image = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    else:
        image = image.convert(mode)
    (folder / "train" / "a" / "0.png").unlink()
    image.save(folder / "train" / "a" / f"0{suffix}")


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_grey_if_all_are_grey(write_folder, mode):
    folder = write_folder(shape=(8, 8))
    save(folder, mode)
    assert load(folder).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".webp"), ("RGBA", ".png"), ("P", ".png"), ("CMYK", ".jpg"), ("RGB", ".JPEG")],
)
def test_colour_if_any_is_colour(write_folder, mode, suffix):
    folder = write_folder(shape=(8, 8))
    save(folder, mode, suffix)
    images = load(folder)
    assert images.shape == (3, 8, 8)
    grey = images.tensor[1]
    assert torch.equal(grey[..., 0], grey[..., 2])


def test_alpha_is_dropped_not_blended(tmp_path):
    path = str(tmp_path / "clear.png")
    Image.new("RGBA", (8, 8), (10, 20, 30, 0)).save(path)
    assert decode(path, Form(3, (8, 8)))[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize(("deep", "grey"), [(0, 0), (0x8000, 128), (65535, 255)])
def test_16_bits_are_scaled(tmp_path, deep, grey):
    path = str(tmp_path / "deep.png")
    Image.fromarray(np.full((8, 8), deep, np.uint16)).save(path)
    assert decode(path, Form(1, (8, 8))).unique().tolist() == [grey]


def test_colour_test_images_of_a_grey_training_set(write_folder):
    folder = write_folder(shape=(8, 8))
    for path in (folder / "test").glob("*/*.png"):
        Image.open(path).convert("RGB").save(path)
    images = load(folder, "test")
    assert images.shape == (1, 8, 8)
    assert "read as grey" in images.notes[0]


def test_max_train(write_folder):
    assert load(write_folder(), max_train=4).labels.tolist() == [0, 0, 1, 1]


def test_odd_names(write_folder):
    folder = write_folder(classes=("a b", "ü\n"))
    (folder / "train" / "ü\n" / "bad.png").write_bytes(b"")
    refused(folder, "bad.png")


def test_many_pixels_raise_no_warning(write_folder, monkeypatch):
    folder = write_folder()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    assert load(folder).num_images == 6
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    refused(folder, "6 of 6 files", "exceeds limit")


def test_streamed_above_the_limit(write_folder):
    assert isinstance(load(write_folder(), resident_mib=0), StreamedImages)
