"""A run that goes on notices whatever it was made of has changed: images, tables, the architecture."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nastk
from nastk.run import RunError

TRAINING = {"network.init_channels": 8, "network.num_cells": 1, "train.batch_size": 8, "train.epochs": 2}
TINY = TRAINING | {
    "train.epochs": 1,
    "search.population": 2,
    "search.generations": 2,
    "space.operations": ["skip_connect", "dil_conv_3x3"],
}


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path: str, seed: int) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def photos() -> str:
    for split, num in (("train", 6), ("test", 2)):
        for label, name in enumerate(("cat", "dog")):
            for number in range(num):
                write(f"photos/{split}/{name}/{number}.png", 100 * label + number)
    return "photos"


def stop_after_the_first(step, num_steps, figures):
    if step == 1:
        raise KeyboardInterrupt


def swap_two_images():
    for number in (0, 1):
        Path(f"photos/train/cat/{number}.png").rename(f"{number}.png")
    for number in (0, 1):
        Path(f"{number}.png").rename(f"photos/train/cat/{1 - number}.png")


CHANGES = {
    "training images: the images differ, or their order": (
        lambda: write("photos/train/cat/0.png", 7),
        swap_two_images,
    ),
    "training images: 12 images then, 13 now": (lambda: write("photos/train/dog/6.png", 7),),
    "training images: 12 images then, 11 now": (lambda: Path("photos/train/dog/5.png").unlink(),),
    "class 'dogs' is new, class 'dog' is gone": (
        lambda: [Path(f"photos/{split}/dog").rename(f"photos/{split}/dogs") for split in ("train", "test")],
    ),
    "training images: images of 8x8 pixels in grey then, of 12x12 pixels in grey now": (
        lambda: [Image.open(p).resize((12, 12)).save(p) for p in Path("photos").glob("*/*/*.png")],
    ),
}


def files(run_dir: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(run_dir).iterdir()}


def refused(run_dir: str) -> str:
    """What is said when the run is continued; nothing in it is lost."""
    before = files(run_dir)
    with pytest.raises(RunError) as caught:
        nastk.open(run_dir).resume()
    assert files(run_dir) == before
    return str(caught.value)


def test_images_that_changed_are_said_and_nothing_is_lost(photos):
    search = {"dataset": photos, "preset": "quick", "settings": TINY}
    whole = nastk.search("relativenas", run_dir="whole", **search)
    with pytest.raises(KeyboardInterrupt):
        nastk.search("relativenas", run_dir="run", progress=stop_after_the_first, **search)
    shutil.copytree("photos", "originals")
    for message, changes in CHANGES.items():
        for change in changes:
            change()
            assert message in refused("run")
            shutil.rmtree("photos")
            shutil.copytree("originals", "photos")  # which does not keep the times of files
    assert nastk.open("run").resume().ranking == whole.ranking


def test_test_images_and_the_architecture_count_in_an_evaluation(photos):
    named = {"dataset": photos, "preset": "quick", "settings": TRAINING, "run_dir": "run"}
    with pytest.raises(KeyboardInterrupt):
        nastk.evaluate("darts-v1", progress=stop_after_the_first, **named)
    content = Path("photos/test/cat/0.png").read_bytes()
    write("photos/test/cat/0.png", 9)
    assert "test images: the images differ, or their order" in refused("run")
    Path("photos/test/cat/0.png").write_bytes(content)
    text = Path("run/genotype.json").read_text()
    Path("run/genotype.json").write_text(text.replace("sep_conv_3x3", "sep_conv_5x5"))
    assert "has changed: another genotype.json. Put it back as it was, or begin a new run" in refused("run")
    Path("run/genotype.json").write_text(text)
    assert nastk.open("run").resume().finished


def test_another_table_of_the_same_name_is_noticed(made_up_table):
    shutil.copy(made_up_table, "table.npz")
    settings = {"search.estimator": "table", "search.table": "table.npz", "search.evaluations": 30}
    named = {"space": "nasbench201", "dataset": "cifar10", "preset": "small", "run_dir": "run"}
    with pytest.raises(KeyboardInterrupt):
        nastk.search("evolution", settings=settings, progress=stop_after_the_first, **named)
    content = dict(np.load("table.npz"))
    content["test_acc_200"] = content["test_acc_200"] + 1
    np.savez("table.npz", **content)
    assert "has changed: another search.table" in refused("run")
    shutil.copy(made_up_table, "table.npz")
    assert nastk.open("run").resume().finished
