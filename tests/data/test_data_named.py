import hashlib
import io
import os
import pickle
import tarfile
import urllib.request

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from nastk import registry
from nastk.data.named import CIFAR10, CIFAR100, FASHION_MNIST
from nastk.data.sources import load_images
from nastk.schema import DataConfig


def load(name, directory, split="train"):
    return load_images(DataConfig(dataset=name, dir=str(directory), workers=0), split)


def refused(name, directory, *words, split="train"):
    with pytest.raises(ValueError) as caught:
        load(name, directory, split)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def fail(*_args, **_kwargs):
        raise urllib.request.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", fail)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write_cifar10(directory, monkeypatch, splits=("train", "test")):
    """10 images a split in torchvision's form, with their own checksums."""
    folder = directory / "cifar-10-batches-py"
    folder.mkdir()

    def dump(name, content):
        data = pickle.dumps(content)
        (folder / name).write_bytes(data)
        return hashlib.md5(data).hexdigest()

    meta = {**datasets.CIFAR10.meta, "md5": dump("batches.meta", {"label_names": list(CIFAR10.classes)})}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    for split, name in (("train", "data_batch_1"), ("test", "test_batch")):
        if split in splits:
            md5 = dump(name, {"data": noise(10, 3072), "labels": list(range(10))})
            monkeypatch.setattr(datasets.CIFAR10, f"{split}_list", [[name, md5]])
    return folder


def write_fashion_mnist(directory):
    folder = directory / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        head = np.array([0x0803, 10, 28, 28], ">i4").tobytes()
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(head + noise(10, 28, 28).tobytes())
        head = np.array([0x0801, 10], ">i4").tobytes()
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(head + bytes(range(10)))
    return folder


@pytest.mark.parametrize("known", [CIFAR10, CIFAR100, FASHION_MNIST])
def test_table(known):
    assert registry.DATASETS[known.name].load() is known
    assert len(set(known.classes)) == (100 if known is CIFAR100 else 10)
    assert len(known.mean) == len(known.std)


def test_cifar_constants_are_the_darts_codes():
    assert CIFAR10.mean == (0.49139968, 0.48215827, 0.44653124)
    assert CIFAR10.std == (0.24703233, 0.24348505, 0.26158768)
    assert (CIFAR100.mean, CIFAR100.std) == ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion-mnist"])
def test_nowhere_and_no_network(tmp_path, name):
    place = registry.DATASETS[name].load().torchvision.folder
    refused(name, tmp_path, tmp_path, f"{name}.npz, {name}/train/, {place}/", "no network", "--data-dir")


def test_npz(tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_train=noise(10, 32, 32, 3), y_train=np.arange(10))
    images = load("cifar10", tmp_path)
    assert (images.classes, images.mean, images.std) == (CIFAR10.classes, CIFAR10.mean, CIFAR10.std)


def test_where_it_is_looked_for(tmp_path, monkeypatch):
    np.savez(tmp_path / "cifar10.npz", x_train=noise(10, 32, 32, 3), y_train=np.arange(10))
    monkeypatch.setenv("NASTK_DATA", str(tmp_path))
    assert load_images(DataConfig(dataset="cifar10"), "train").num_images == 10
    monkeypatch.delenv("NASTK_DATA")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ValueError, match=r"home/\.cache/nastk"):
        load_images(DataConfig(dataset="cifar10"), "train")


def test_npz_of_other_labels(tmp_path):
    np.savez(tmp_path / "cifar10.npz", x_train=noise(11, 32, 32, 3), y_train=np.arange(11))
    refused("cifar10", tmp_path, "the label 10", "0 (airplane) to 9 (truck)")


def test_folders(tmp_path):
    for name in CIFAR10.classes:
        (tmp_path / "cifar10" / "train" / name).mkdir(parents=True)
        Image.fromarray(noise(32, 32, 3)).save(tmp_path / "cifar10" / "train" / name / "0.png")
    images = load("cifar10", tmp_path)
    assert (images.classes, images.mean, images.notes) == (CIFAR10.classes, CIFAR10.mean, ())
    Image.fromarray(noise(32, 32, 3)).save(tmp_path / "cifar10" / "train" / "cat" / "1.jpg")
    assert "JPEG copies" in load("cifar10", tmp_path).notes[0]
    (tmp_path / "cifar10" / "train" / "other").mkdir()
    Image.fromarray(noise(32, 32, 3)).save(tmp_path / "cifar10" / "train" / "other" / "0.png")
    refused("cifar10", tmp_path, "expected 10 classes, found 11")


def test_torchvisions_cifar10(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch)
    images = load("cifar10", tmp_path)
    assert np.array_equal(images.tensor.numpy(), noise(10, 3, 32, 32).transpose(0, 2, 3, 1))
    assert (images.labels.tolist(), images.classes) == (list(range(10)), CIFAR10.classes)
    assert load("cifar10", tmp_path, "test").num_images == 10


def test_torchvisions_cifar10_trains_without_test_files(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch, splits=("train",))
    assert load("cifar10", tmp_path).num_images == 10
    refused("cifar10", tmp_path, "no network", split="test")


@pytest.mark.parametrize("name", ["data_batch_1", "batches.meta"])
def test_torchvisions_cifar10_damaged(tmp_path, monkeypatch, name):
    folder = write_cifar10(tmp_path, monkeypatch)
    with (folder / name).open("ab") as file:
        file.write(b"x")
    refused("cifar10", tmp_path, folder, "checksum", "move this folder away", "cifar10.npz")


def test_torchvisions_fashion_mnist(tmp_path):
    folder = write_fashion_mnist(tmp_path)
    images = load("fashion-mnist", tmp_path)
    assert images.shape == (1, 28, 28)
    assert np.array_equal(images.tensor.numpy()[..., 0], noise(10, 28, 28))
    assert load("fashion-mnist", tmp_path, "test").num_images == 10
    for path in folder.glob("t10k*"):
        path.unlink()
    assert load("fashion-mnist", tmp_path).num_images == 10
    (folder / "train-images-idx3-ubyte").write_bytes(b"")
    refused("fashion-mnist", tmp_path, folder, "damaged")


class Answer(io.BytesIO):
    """What urlopen gives."""

    url = None

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.length = len(content)


def archive_of_cifar10(tmp_path, monkeypatch) -> bytes:
    """The archive that torchvision would download, of 10 images a split."""
    made = tmp_path / "made"
    made.mkdir()
    folder = write_cifar10(made, monkeypatch)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(folder, folder.name)
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(stream.getvalue()).hexdigest())
    return stream.getvalue()


def everything_in(place) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


def serve(monkeypatch, answer) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_args, **_kwargs: answer())


def test_a_download_leaves_the_set_and_nothing_else(tmp_path, monkeypatch):
    content = archive_of_cifar10(tmp_path, monkeypatch)
    serve(monkeypatch, lambda: Answer(content))
    root = tmp_path / "deep" / "root"
    assert load("cifar10", root).num_images == 10
    files = ["batches.meta", "data_batch_1", "test_batch"]
    assert everything_in(root) == [folder := "cifar-10-batches-py", *(f"{folder}/{name}" for name in files)]
    serve(monkeypatch, lambda: pytest.fail("downloaded once more"))
    assert load("cifar10", root, "test").num_images == 10


def test_an_archive_that_is_there_already_is_not_downloaded(tmp_path, monkeypatch):
    content = archive_of_cifar10(tmp_path, monkeypatch)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(content)
    assert load("cifar10", tmp_path).num_images == 10
    assert (tmp_path / "cifar-10-python.tar.gz").read_bytes() == content


def broken_off() -> Answer:
    return Answer(b"\x1f\x8b")


def interrupted() -> Answer:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("answer", "error"),
    [(broken_off, ValueError), (interrupted, KeyboardInterrupt)],
)
@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist"])
@pytest.mark.parametrize("there", [(), ("root",), ("root", "root/cifar-10-python.tar.gz")])
def test_a_download_that_fails_leaves_what_there_was(tmp_path, monkeypatch, name, answer, error, there):
    for path in there:
        (tmp_path / path).write_bytes(b"older") if "." in path else (tmp_path / path).mkdir()
    serve(monkeypatch, answer)
    with pytest.raises(error):
        load(name, tmp_path / "root" / "deep" if not there else tmp_path / "root")
    assert everything_in(tmp_path) == list(there)
    assert all((tmp_path / path).read_bytes() == b"older" for path in there if "." in path)


def test_a_pipe_in_the_place_of_a_set(tmp_path):
    os.mkfifo(tmp_path / "cifar10.npz")
    refused("cifar10", tmp_path, "cifar10.npz: a named pipe, not a file")
    (tmp_path / "cifar-100-python").mkdir()
    os.mkfifo(tmp_path / "cifar-100-python" / "train")
    refused("cifar100", tmp_path, "cifar-100-python", "missing, damaged")
