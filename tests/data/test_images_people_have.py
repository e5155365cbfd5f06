"""Images as people have them: turned, of many formats, deep, broken, huge; and what is no image at all."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nastk.data.decoding import Form, decode, read_header
from nastk.data.fingerprint import Fingerprint, differences
from nastk.data.sources import load_images
from nastk.data.split import balanced_split
from nastk.schema import DataConfig


def noise(*shape: int, seed: int = 0, dtype: type = np.uint8, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape).astype(dtype)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three grey images of 8x8 in each of two classes, to train on and to test with."""
    for split in ("train", "test"):
        for label, name in enumerate("ab"):
            (tmp_path / "set" / split / name).mkdir(parents=True)
            for number in range(3):
                image = Image.fromarray(noise(8, 8, seed=10 * label + number))
                image.save(tmp_path / "set" / split / name / f"{number}.png")
    return tmp_path / "set"


def load(path: Path, split: str = "train", **values):
    return load_images(DataConfig(dataset=str(path), **values), split)


def refused(path: Path | str, *words: str, **values) -> str:
    with pytest.raises(ValueError) as caught:
        load(path, **values)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value
    return str(caught.value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_images_are_turned_as_their_exif_says(orientation, kind, tmp_path):
    stored = np.zeros((8, 16, 3), np.uint8)
    stored[:4, :8] = 255  # the corner where row 0 and column 0 meet
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(stored)
    image.save(tmp_path / "x", kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    size = (8, 16) if orientation < 5 else (16, 8)
    assert read_header(str(tmp_path / "x")).size == size
    pixels = decode(str(tmp_path / "x"), Form(1, size))[:, :, 0].numpy() > 127
    up, left = {1: (1, 1), 2: (1, 0), 3: (0, 0), 4: (0, 1), 5: (1, 1), 6: (1, 0), 7: (0, 0), 8: (0, 1)}[
        orientation
    ]
    expected = np.zeros(size, bool)
    rows = slice(None, size[0] // 2) if up else slice(size[0] // 2, None)
    columns = slice(None, size[1] // 2) if left else slice(size[1] // 2, None)
    expected[rows, columns] = True
    assert (pixels == expected).mean() > 0.97  # a JPEG's edges are not sharp


def test_every_safe_format_is_read_by_content_and_the_rest_is_told_of(folder):
    kinds = {"bmp": "BMP", "jfif": "JPEG", "gif": "GIF", "tif": "TIFF", "webp": "WEBP", "png": "JPEG"}
    for number, (ending, kind) in enumerate(kinds.items()):
        Image.fromarray(noise(8, 8, seed=number)).save(folder / "train" / "a" / f"x{number}.{ending}", kind)
    Image.fromarray(noise(8, 8)).save(folder / "train" / "b" / "no-ending", "PNG")
    (folder / "train" / "b" / "notes.txt").write_text("not an image")
    (folder / "train" / "b" / "album.db").write_bytes(b"\xd0\xcf\x11\xe0")
    images = load(folder)
    assert images.num_images == 6 + len(kinds) + 1
    (note,) = [note for note in images.notes if note.startswith("left out 2 other files")]
    assert "notes.txt" in note and "album.db" in note


def test_an_image_by_name_that_starts_an_interpreter_is_refused(folder):
    (folder / "train" / "a" / "x.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n"
    )
    refused(folder, "1 of 7 files cannot be read", "x.png (not an image)")
    assert load(folder, skip_corrupt=True).num_images == 6


def test_a_truncated_photo_of_a_phone_is_left_out_of_a_streamed_set(folder, shared_data):
    photo = (shared_data / "inputs" / "truncated-mpo.jpg").read_bytes()
    (folder / "train" / "a" / "phone.jpg").write_bytes(photo)
    images = load(folder, skip_corrupt=True, resident_mib=0, workers=0)
    assert images.num_images == 6
    assert sum(len(batch) for batch in images.pixels([torch.arange(6)])) == 6
    refused(folder, "phone.jpg", resident_mib=0)


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_deep_images_are_scaled_alike_in_the_whole_set(bits, folder):
    """12 bits that lie in 16 are no nearly black pictures; test images have the training set's scale."""
    for split in ("train", "test"):
        for path in (folder / split).glob("*/*.png"):
            values = noise(8, 8, seed=len(path.stem), dtype=np.uint16, high=2**bits)
            values[0, 0] = (2**bits - 1) if split == "train" else 2 ** (bits - 1)
            Image.fromarray(values).save(path)
    images = load(folder)
    assert images.tensor.max() == 255 and images.tensor.float().mean() > 90
    assert any("of more than 8 bits" in note for note in images.notes) == (bits < 16)
    assert load(folder, "test").tensor[0, 0, 0, 0] == round(255 * 2 ** (bits - 1) / (2**bits - 1))


def test_a_class_in_an_error_is_its_name():
    """Folders 0, 1, 10, 2: the third class is called 10."""
    labels = torch.tensor([0, 0, 1, 1, 2, 3, 3])
    with pytest.raises(ValueError, match="'10' has a single training image"):
        balanced_split(labels, 0.5, torch.Generator(), classes=("0", "1", "10", "2"))


@pytest.mark.parametrize("what", ["pipe", "socket"])
def test_what_would_never_end_is_named_at_once(what, folder, monkeypatch):
    monkeypatch.chdir(folder / "train" / "a")  # a socket's name may not be long
    if what == "pipe":
        os.mkfifo("x.png")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("x.png")
    refused(folder, f"x.png (a {'named pipe' if what == 'pipe' else 'socket'}, not a file)")
    os.rename("x.png", folder.parent / "set.npz")
    refused(folder.parent / "set.npz", "not a file")


def test_an_npz_that_promises_more_than_it_may_is_refused_by_its_header(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(
        path, x_train=np.zeros((4000, 64, 64), np.uint8), y_train=np.arange(10), x_test=0, y_test=0
    )
    assert path.stat().st_size < 100_000
    code = (
        "import resource\n"
        "from nastk.data.sources import load_images\nfrom nastk.schema import DataConfig\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"try: load_images(DataConfig(dataset={str(path)!r}), 'train')\n"
        "except ValueError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message, grown = done.stdout.splitlines()
    assert "has 10 labels for 4000 images" in message.replace(",", "")
    assert int(grown) < 12_000  # KiB; the images are 16 MB


@pytest.mark.parametrize("work", ["decode", "check"])
def test_huge_images_are_in_memory_one_at_a_time_and_as_bytes(work, tmp_path):
    """Four threads have four of them; what counts as huge is made smaller here, as the images are."""
    for number in range(4):
        Image.new("RGB", (3000, 3000), (number, 9, 200)).save(tmp_path / f"{number}.png", compress_level=1)
    code = (
        "import resource, sys\n"
        "from nastk.data import decoding\nfrom nastk.data.memory import PixelBudget\n"
        "from nastk.data.reading import Unreadable, attempt_all\n"
        "decoding._HUGE, decoding._BAND, decoding._BUDGET = 2**20, 2**18, PixelBudget(2**20)\n"
        f"read = lambda path: decoding.{work}(path, decoding.Form(3, (32, 32)))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read('small.png')\nbefore = peak()\n"
        "got = attempt_all(read, [f'{number}.png' for number in range(4)], 4)\n"
        "print(peak() - before)\n"
        "assert not any(isinstance(one, Unreadable) for one in got), got"
    )
    Image.new("RGB", (900, 900)).save(tmp_path / "small.png")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert int(done.stdout) < 90_000  # KiB; Pillow's own picture of one takes 36,000


def test_thousands_of_bad_files_end_in_one_line(folder):
    for number in range(5000):
        (folder / "train" / "a" / f"bad{number}.png").write_bytes(b"nothing")
    began = time.process_time()
    message = refused(folder, "cannot be read", "and ")
    assert len(message) < 2000 and time.process_time() - began < 60


@pytest.mark.parametrize("name", ["x" * 5000, "/" + "y" * 5000, "a/" * 2500, "~nobody-of-this-name/x"])
def test_names_that_no_system_takes(name, monkeypatch):
    assert len(refused(name)) < 1500
    monkeypatch.setenv("NASTK_DATA", name)
    assert len(refused("cifar10")) < 2500


def test_a_failed_download_leaves_nothing_behind(tmp_path, monkeypatch):
    from torchvision import datasets

    class Failing:
        train_list = test_list = (("data_batch_1", ""),)
        filename, tgz_md5 = "cifar-10-python.tar.gz", ""

        def __init__(self, root, train, download):
            (Path(root) / "cifar-10-python.tar.gz").write_bytes(b"half")
            (Path(root) / "cifar-10-batches-py").mkdir()
            raise RuntimeError("connection reset")

    monkeypatch.setattr(datasets, "CIFAR10", Failing)
    refused("cifar10", "cannot be downloaded", dir=str(tmp_path / "data"))
    assert not (tmp_path / "data").exists() or not os.listdir(tmp_path / "data")


def test_a_fingerprint_is_of_the_data_and_not_of_their_place(folder, tmp_path):
    first = load(folder).fingerprint
    (folder.parent / "elsewhere").mkdir()
    moved = folder.rename(folder.parent / "elsewhere" / "moved")
    assert load(moved).fingerprint == first == Fingerprint.from_dict(first.to_dict())
    assert load(moved).subset(torch.tensor([0])).fingerprint == first
    assert load(moved, resident_mib=0).fingerprint == first  # resident or streamed
    assert differences(first, first) == []
    assert load(moved, "test").fingerprint.contents == first.contents  # the same images, here
    Image.fromarray(noise(8, 8, seed=99)).save(moved / "train" / "b" / "1.png")
    assert differences(first, load(moved).fingerprint) == ["the images differ, or their order"]
