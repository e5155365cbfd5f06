import io
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nastk.data import npz_file
from nastk.data.images import ImageSet
from nastk.data.sources import has_validation, load_images
from nastk.schema import DataConfig


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def load(path, split="train", **values):
    return load_images(DataConfig(dataset=str(path), **values), split)


def refused(path, *words, split="train", **values):
    with pytest.raises(ValueError) as caught:
        load(path, split, **values)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_reads_images_and_labels(write_npz):
    images = load(write_npz())
    assert images.shape == (3, 8, 8)
    assert images.classes == ("0", "1")
    assert images.labels.tolist() == [0, 1] * 4
    assert images.notes == ()
    assert np.array_equal(images.tensor.numpy(), noise(8, 8, 8, 3))


def test_statistics_are_the_training_images_in_both_splits(write_npz):
    path = write_npz()
    pixels = noise(8, 8, 8, 3) / 255
    for split in ("train", "test"):
        images = load(path, split)
        assert images.mean == pytest.approx(pixels.mean(axis=(0, 1, 2)), abs=1e-12)
        assert images.std == pytest.approx(pixels.std(axis=(0, 1, 2)), abs=1e-12)


def test_constant_images_have_std_1(write_npz):
    assert load(write_npz(x_train=np.full((8, 8, 8), 7, np.uint8))).std == (1.0,)


@pytest.mark.parametrize("shape", [(8, 8, 8), (8, 8, 8, 1)])
def test_grey(write_npz, shape):
    assert load(write_npz(x_train=noise(*shape))).shape == (1, 8, 8)


def test_the_other_names_and_a_column_of_labels(tmp_path):
    path = tmp_path / "set.NPZ"
    with path.open("wb") as file:
        labels = (np.arange(8) % 2)[:, None].astype(np.uint8)
        np.savez(file, train_images=noise(8, 12, 8), train_labels=labels)
    images = load(path, test_portion=0)
    assert images.shape == (1, 12, 8)
    assert images.labels.tolist() == [0, 1] * 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": noise(8, 8, 8, 3).astype(np.float32)}, ["x_train must be uint8", "float32"]),
        ({"x_train": noise(8, 8)}, ["x_train", "[8, 8]"]),
        ({"x_train": noise(8, 3, 8, 8)}, ["move the channels to the end"]),
        ({"x_train": noise(8, 8, 8, 4)}, ["1 or 3 channels", "[8, 8, 8, 4]"]),
        ({"x_train": noise(0, 8, 8)}, ["x_train is empty"]),
        ({"x_train": noise(8, 4, 8)}, ["4x8 pixels are too small", "data.image_size"]),
        ({"x_train": noise(7, 8, 8)}, ["8 labels for 7 images"]),
        ({"x_train": None}, ["x_train is missing"]),
        ({"y_train": None}, ["y_train is missing"]),
        ({"x_train": None, "y_train": None}, ["expected the arrays x_train and y_train", "x_test, y_test"]),
        ({"x_train": np.array([{}] * 8)}, ["x_train holds pickled objects"]),
        ({"y_train": np.arange(8) % 2 > 0}, ["y_train must hold integers", "bool"]),
        ({"y_train": np.arange(16).reshape(8, 2)}, ["one label an image", "[8, 2]"]),
        ({"y_train": np.arange(8) - 2}, ["2 negative labels, such as -2"]),
        ({"y_train": np.arange(8) + 1}, ["must be 0..K-1", "up to 8, but 0 is missing"]),
        ({"y_train": np.array([0, 1] * 3 + [3, 2**63], np.uint64)}, ["but 2 is missing"]),
        ({"y_train": np.zeros(8, int)}, ["only one class, 0"]),
    ],
)
def test_faults_of_arrays(write_npz, changes, words):
    refused(write_npz(**changes), "set.npz", *words)


def one_hot(dtype: object, num: int = 8) -> np.ndarray:
    return np.eye(2)[np.arange(num) % 2].astype(dtype)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(8) % 2.0,
        (np.arange(8) % 2).astype(np.float16)[:, None],
        one_hot(np.float32),
        one_hot(np.uint8),
        one_hot(bool),
    ],
)
def test_labels_as_floats_or_one_hot(write_npz, labels):
    plain = load(write_npz())
    images = load(write_npz(y_train=labels))
    assert (images.labels.dtype, images.fingerprint) == (torch.int64, plain.fingerprint)
    assert images.notes == ()


def test_test_labels_that_are_one_hot(write_npz):
    path = write_npz(y_train=one_hot(float), y_test=one_hot(np.int8, 4))
    assert load(path, "test").labels.tolist() == [0, 1, 0, 1]
    refused(write_npz(y_test=np.eye(4, dtype=int)), "y_test must be one label", "[4, 4]", split="test")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.arange(8) % 2 + 0.5, ["y_train must hold integers, found float64 such as 0.5"]),
        (np.array([0, 1] * 3 + [0, np.nan]), ["such as nan"]),
        (np.array([0, 1] * 3 + [0, np.inf], np.float16), ["found float16 such as inf"]),
        (np.array([0, 1] * 3 + [0, 2.0**60]), ["such as 1.15292e+18"]),
        (one_hot(int) * 2, ["one label an image", "[8, 2]", "not one 1 among zeros"]),
        (1 - one_hot(int)[:, [0, 0]], ["not one 1 among zeros"]),
        (np.full((8, 2), 0.5), ["not one 1 among zeros"]),
        (one_hot(str), ["one label an image, found shape [8, 2]"]),
        (np.eye(9)[np.arange(8)], ["one label an image, found shape [8, 9]"]),
        (np.eye(3, dtype=int)[np.arange(8) % 2 * 2], ["goes up to 2, but 1 is missing"]),
    ],
)
def test_labels_that_are_not_unambiguous(write_npz, labels, words):
    refused(write_npz(y_train=labels), *words)


@pytest.mark.parametrize(
    ("changes", "classes"),
    [
        ({"classes": np.array(["bee", "cow"])}, ("bee", "cow")),
        ({"class_names": np.array([b"bee", b"cow"])}, ("bee", "cow")),
        ({"classes": np.array([7, 3])}, ("7", "3")),
        ({"classes": np.array(["bee", "cow"]), "class_names": np.array(["bee", "cow"])}, ("bee", "cow")),
    ],
)
def test_names_of_classes(write_npz, changes, classes):
    path = write_npz(**changes)
    images = load(path)
    assert (images.classes, images.notes) == (classes, ())
    assert load(path, "test").classes == classes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": np.array(["bee", "cow", "yak"])}, "3 names for 2 classes"),
        ({"classes": np.array(["bee", "bee"])}, "classes: not one name for each class"),
        ({"classes": np.array(["bee", ""])}, "not one name"),
        ({"classes": np.array([["bee", "cow"]])}, "not one name"),
        ({"classes": np.array([0.5, 1.5])}, "not one name"),
        ({"classes": np.array(["bee", "cow"], object)}, "classes holds pickled objects"),
        ({"classes": np.array(["b" * 2**18, "cow"])}, "not one name"),
        (
            {"classes": np.array(["bee", "cow"]), "class_names": np.array(["b", "c"])},
            "classes and class_names: not one name",
        ),
    ],
)
def test_names_that_are_none(write_npz, changes, words):
    images = load(write_npz(**changes))
    assert images.classes == ("0", "1")
    (note,) = images.notes
    assert words in note and note.endswith("called by their numbers")


class TestParts:
    """As MedMNIST's files, and files that have training images alone."""

    def medmnist(self, tmp_path: Path, *parts: str) -> Path:
        path = tmp_path / "set.npz"
        arrays = {f"{part}_images": noise(8 - 2 * number, 8, 8) for number, part in enumerate(parts)}
        arrays |= {
            f"{part}_labels": (np.arange(8 - 2 * number) % 2)[:, None].astype(np.uint8)
            for number, part in enumerate(parts)
        }
        np.savez(path, **arrays)
        return path

    def test_all_three(self, tmp_path):
        path = self.medmnist(tmp_path, "train", "val", "test")
        assert has_validation(DataConfig(dataset=str(path)))
        assert [load(path, part).num_images for part in ("train", "validation", "test")] == [8, 6, 4]

    def test_what_there_is_besides_training_images_tests(self, tmp_path):
        path = self.medmnist(tmp_path, "train", "val")
        assert not has_validation(DataConfig(dataset=str(path)))
        assert load(path, "test").num_images == 6

    @pytest.mark.parametrize("portion", [0.25, 0.5])
    def test_training_images_alone(self, write_npz, portion):
        path = write_npz(x_test=None, y_test=None)
        train, test = (load(path, split, test_portion=portion) for split in ("train", "test"))
        assert test.labels.bincount().tolist() == [int(4 * portion)] * 2
        pixels = torch.cat([train.tensor, test.tensor]).flatten(1)
        assert len(pixels.unique(dim=0)) == 8
        assert train.notes == test.notes and f"{path} has no test part: {portion} of every" in train.notes[0]
        assert train.mean == test.mean == load(path, test_portion=portion, max_test=1).mean

    def test_none_is_held_out(self, write_npz):
        path = write_npz(x_test=None, y_test=None)
        assert load(path, test_portion=0).num_images == 8
        refused(path, "no arrays x_test and y_test", "data.test_portion=0", split="test", test_portion=0)

    def test_a_known_set_is_not_divided(self, tmp_path):
        path = tmp_path / "cifar10.npz"
        np.savez(path, x_train=noise(20, 32, 32, 3), y_train=np.arange(20) % 10)
        assert load("cifar10", dir=str(tmp_path)).num_images == 20
        refused("cifar10", f"{path} has no arrays x_test and y_test", split="test", dir=str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": np.array([0, 1, 2, 0])}, ["y_test has the label 2", "0..1"]),
        ({"x_test": noise(4, 8, 8)}, ["x_test has 1 channels", "training images have 3"]),
        ({"x_test": None}, ["x_test is missing"]),
    ],
)
def test_faults_of_test_arrays(write_npz, changes, words):
    path = write_npz(**changes)
    load(path, "train")
    refused(path, *words, split="test")


def test_test_images_get_the_training_size(write_npz):
    images = load(write_npz(x_test=noise(4, 20, 10, 3)), "test")
    assert images.shape == (3, 8, 8)
    assert "20x10 pixels" in images.notes[0]


def test_training_never_reads_the_test_arrays(write_npz):
    path = Path(write_npz(x_test=noise(4, 64, 64, 3)))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("x_test.npy").header_offset
    content[start : start + 1000] = bytes(1000)
    path.write_bytes(content)
    assert load(path).num_images == 8
    refused(path, "x_test cannot be read", split="test")


def test_truncated_empty_or_other_files(write_npz, tmp_path):
    path = Path(write_npz())
    path.write_bytes(path.read_bytes()[:-500])
    refused(path, "not an .npz file, or a truncated one")
    path.write_bytes(b"")
    refused(path, "0 bytes")
    with path.open("wb") as file:
        np.save(file, noise(8))
    refused(path, "not an .npz file")


def test_unreadable_file(write_npz, monkeypatch):
    path = write_npz()

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(npz_file, "open_file", denied)
    refused(path, "set.npz: permission denied")


@pytest.mark.parametrize(("max_train", "counts"), [(4, [2, 2]), (5, [3, 2]), (8, [4, 4]), (99, [4, 4])])
def test_max_train_is_balanced(write_npz, max_train, counts):
    assert load(write_npz(), max_train=max_train).labels.bincount().tolist() == counts


def test_max_train_below_the_classes(write_npz):
    refused(write_npz(y_train=np.arange(8)), "2 training images are too few for 8 classes", max_train=2)


def test_max_test(write_npz):
    assert load(write_npz(), "test", max_test=1).num_images == 1


def test_too_large_for_the_device_stays_on_the_host(write_npz):
    path = write_npz()
    images = load(path, resident_mib=0)
    assert images.on_host
    indices = torch.tensor([3, 1])
    batch = next(images.to("cpu").pixels([indices]))
    assert torch.equal(batch, next(load(path).pixels([indices])))


def imageset_or_valueerror(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert isinstance(load(path), ImageSet)
        except ValueError as error:
            assert "\n" not in str(error)


fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@fuzz
@given(content=st.binary(max_size=300))
def test_any_bytes(tmp_path, content):
    imageset_or_valueerror(content, tmp_path / "fuzz.npz")


@fuzz
@given(position=st.integers(0, 2000), byte=st.integers(0, 255), cut=st.integers(0, 2000))
def test_any_damage(write_npz, position, byte, cut):
    path = Path(write_npz())
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    imageset_or_valueerror(bytes(content[: max(1, len(content) - cut // 4)]), path)


@fuzz
@given(
    arrays=st.dictionaries(
        st.sampled_from(["x_train", "y_train", "train_images", "train_labels", "x_test", "odd"]),
        hnp.arrays(
            st.one_of(st.just(np.dtype(np.uint8)), hnp.scalar_dtypes()),
            hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=9),
            elements=None,
            fill=st.nothing(),
        ),
        max_size=4,
    ),
    image_size=st.sampled_from([None, 8, 12, 30]),
)
def test_any_arrays(tmp_path, arrays, image_size):
    file = io.BytesIO()
    np.savez(file, **arrays)
    imageset_or_valueerror(file.getvalue(), tmp_path / "fuzz.npz")


@fuzz
@given(
    num=st.integers(0, 4),
    height=st.integers(0, 17),
    width=st.integers(0, 17),
    channels=st.sampled_from([None, 0, 1, 2, 3]),
    labels=hnp.arrays(hnp.integer_dtypes(), st.integers(0, 4), elements=st.integers(0, 3)),
)
def test_any_images(tmp_path, num, height, width, channels, labels):
    file = io.BytesIO()
    shape = (num, height, width) + (() if channels is None else (channels,))
    np.savez(file, x_train=noise(*shape), y_train=labels)
    imageset_or_valueerror(file.getvalue(), tmp_path / "fuzz.npz")


def write_members(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def header(dtype: object, *shape: int) -> bytes:
    """What an .npy file of such an array begins with."""
    stream = io.BytesIO()
    description = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(
        stream, {"descr": description, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


class TestByHeaderAlone:
    """Of arrays that are to be refused nothing but the header is read."""

    @pytest.fixture(autouse=True)
    def no_reading(self, monkeypatch):
        def fail(*_args, **_kwargs):
            pytest.fail("an array was unpacked")

        monkeypatch.setattr(np.lib.format, "read_array", fail)

    @pytest.mark.parametrize(
        ("images", "labels", "words"),
        [
            ((1000, 64, 64), (10,), "10 labels for 1,000 images"),
            ((1000, 64, 64, 2), (1000,), "1 or 3 channels last"),
            ((10, 8, 8), (1_000_000,), "1,000,000 labels for 10 images"),
            ((10, 8, 8), (10, 1000), "one label an image"),
            ((1000, 4, 64), (1000,), "too small"),
        ],
    )
    def test_shapes(self, tmp_path, images, labels, words):
        path = tmp_path / "set.npz"
        np.savez_compressed(path, x_train=np.zeros(images, np.uint8), y_train=np.zeros(labels, np.uint8))
        refused(path, "set.npz", words)

    @pytest.mark.parametrize("shape", [(10**9, 64, 64), (2**62, 8, 8), (-1, 8, 8), (11, 8, 8)])
    def test_an_array_that_promises_more_than_it_holds(self, tmp_path, shape):
        path = tmp_path / "set.npz"
        write_members(
            path,
            x_train=header(np.uint8, *shape) + bytes(640),
            y_train=header(np.uint8, 10) + bytes(10),
        )
        refused(path, "x_train cannot be read", "damaged")

    def test_texts_of_no_characters(self, tmp_path):
        path = tmp_path / "set.npz"
        write_members(path, x_train=header("U0", 10**12), y_train=header(np.uint8, 10) + bytes(10))
        refused(path, "x_train cannot be read")


@pytest.mark.parametrize("resized", [False, True])
def test_more_than_the_memory_there_is(write_npz, monkeypatch, resized):
    path = write_npz(x_train=noise(8, 64, 64, 3))
    needed = 8 * 64 * 64 * 3
    limit = 4 * needed - 1 if resized else needed - 1
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": limit}.get)
    words = ["8 images of 3x128x128"] if resized else ["8 images of 3x64x64"]
    refused(path, *words, "more than this machine's", image_size=128 if resized else None)


def test_an_npy_file_by_the_name_of_an_npz_is_not_read(tmp_path):
    path = tmp_path / "set.npz"
    path.write_bytes(header(np.uint8, 10**12) + bytes(100))
    refused(path, "not an .npz file")
