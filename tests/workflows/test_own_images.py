"""Data sets as people have them, the whole way: searched on, evaluated, stopped, changed and gone on with."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pictures import CLASSES, put, put_classes

import nastk
from nastk.run import RunError

SIZE = {"network.init_channels": 8, "network.num_cells": 3, "train.batch_size": 8}
SEARCH = SIZE | {"search.population": 2, "search.generations": 1}
TRAINING = SIZE | {"train.epochs": 1}


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASTK_DATA", str(tmp_path / "data"))


def pack(folder: str) -> str:
    with zipfile.ZipFile("set.zip", "w") as archive:
        for path in sorted(Path(folder).rglob("*.*")):
            archive.write(path)
    return "set.zip"


def zipped_class_folders() -> str:
    put_classes(Path("photos"), 10)
    return pack("photos")


def list_with_all_parts() -> str:
    lines = []
    for number in range(32):
        put(Path(f"pics/{number}.png"), number)
        part = ("train", "train", "val", "test")[number // 2 % 4]
        lines.append(f"pics/{number}.png,{CLASSES[number % 2]},{part}")
    Path("list.csv").write_text("\n".join(["path,label,split", *lines]))
    return "list.csv"


def arrays_of_training_images() -> str:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez("set.npz", x_train=pixels, y_train=np.arange(20) % 2.0, classes=np.array(CLASSES))
    return "set.npz"


@pytest.mark.parametrize(
    ("make", "searched", "tested"),
    [
        (zipped_class_folders, "8x8 colour; 8 for weights, 8 to choose by", "4"),
        (
            list_with_all_parts,
            "8x8 colour; all for weights; to choose by, the set's own validation images: 8",
            "8",
        ),
        (arrays_of_training_images, "8x8 grey; 8 for weights, 8 to choose by", "4"),
    ],
)
def test_searched_on_and_evaluated(make, searched, tested):
    place = Path(make()).resolve()
    notes: list[str] = []
    found = nastk.search(
        "random", dataset=place, preset="quick", settings=SEARCH, run_dir="a", note=notes.append
    )
    assert any(note.startswith(f"data: 16 images of 2 classes (bee, cow), {searched}") for note in notes)
    told = [note for note in notes if "has no test part" in note]
    assert len(told) == (make is not list_with_all_parts)
    del notes[:]
    trained = nastk.evaluate(found, preset="quick", settings=TRAINING, run_dir="b", note=notes.append)
    assert any(note.startswith("data: 16 images") and note.endswith(f"; test: {tested}") for note in notes)
    assert [note for note in notes if "has no test part" in note] == told
    assert 0 <= trained.test_accuracy <= 100
    assert nastk.load(trained).classes == CLASSES


def stop_after_the_first(step, num_steps, figures):
    if step == 1:
        raise KeyboardInterrupt


def started(dataset: str, **settings) -> None:
    with pytest.raises(KeyboardInterrupt):
        nastk.search(
            "random",
            dataset=dataset,
            preset="quick",
            settings=SEARCH | {"search.generations": 3} | settings,
            run_dir="run",
            progress=stop_after_the_first,
        )


def refused() -> str:
    with pytest.raises(RunError) as caught:
        nastk.open("run").resume()
    return str(caught.value)


def test_another_archive_of_the_same_name_is_noticed():
    started(zipped_class_folders())
    shutil.copy("set.zip", "original.zip")
    for number in range(10):
        put(Path(f"photos/bee/{number}.png"), 1000 + number)
    pack("photos")
    assert "training images: the images differ" in refused()
    shutil.copy("original.zip", "set.zip")
    shutil.rmtree("data")  # what was unpacked may go at any time
    assert nastk.open("run").resume().finished


def test_validation_images_count_as_the_training_images_do():
    for part in ("train", "val", "test"):
        put_classes(Path("photos") / part, 4)
    started("photos")
    image = Path("photos/val/bee/0.png")
    content = image.read_bytes()
    put(image, 99)
    assert "validation images: the images differ" in refused()
    image.write_bytes(content)
    Path("photos/val").rename("gone")
    assert "validation images: there are none any more" in refused()
    Path("gone").rename("photos/val")
    shutil.rmtree("photos/test")  # now the validation images test
    assert "validation images: there are none any more" in refused()
    put_classes(Path("photos/test"), 1)
    assert nastk.open("run").resume().finished


def test_validation_images_that_came_later_are_noticed():
    for part in ("train", "test"):
        put_classes(Path("photos") / part, 4)
    started("photos")
    put_classes(Path("photos/val"), 4)
    assert "validation images: there were none" in refused()
    shutil.rmtree("photos/val")
    assert nastk.open("run").resume().finished
