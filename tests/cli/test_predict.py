"""nastk predict: the training's own preprocessing, tables, JSON, what cannot be read, and its words."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nastk as package
from nastk import cli
from nastk.data.batches import Batches
from nastk.data.sources import load_images
from nastk.networks.classifier import load_classifier
from nastk.workflows import predict as work
from nastk.workflows.directory import read_config

TINY = [
    *("--preset", "quick", "network.init_channels=8", "network.num_cells=3", "train.epochs=2"),
    *("train.batch_size=8", "engine.threads=1", "--device", "cpu"),
]


def save_photo(path: Path, number: int, pixels: np.ndarray) -> None:
    """As people have them, in turn: colour, turned by EXIF, with a palette, 16 bits of grey, with alpha, in grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image, kind = Image.fromarray(pixels), number % 6
    exif = Image.Exif()
    exif[274] = 6
    if kind == 1:
        image.save(path.with_suffix(".jpg"), exif=exif)
    elif kind == 3:
        Image.fromarray(np.array(image.convert("L")).astype(np.uint16) * 17).save(path)
    else:
        mode = {2: "P", 4: "RGBA", 5: "L"}.get(kind, "RGB")
        image.convert(mode).save(path)


def write_photos(folder: Path, sizes: list[tuple[int, int]]) -> None:
    """Three classes: light above, light at the left, light everywhere, in noise that makes it hard."""
    random = np.random.default_rng(0)
    for split, num in (("train", 18), ("test", 12)):
        for label, name in enumerate(("above", "left, or so", "whole")):
            for number in range(num):
                height, width = sizes[number % len(sizes)]
                light = np.zeros((height, width, 3))
                light[: height // 2 if label == 0 else height, : width // 2 if label == 1 else width] = 60
                noise = random.integers(0, 190, light.shape)
                save_photo(folder / split / name / f"{number}.png", number, (light + noise).astype(np.uint8))


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """photos/ of several sizes and kinds, and run/, an evaluation on them; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_photos(Path("photos"), [(20, 20), (16, 26), (30, 17)])
        Path("empty").mkdir()
        arguments = ["evaluate", "--arch", "darts-v2", "--dataset", "photos", *TINY, "--run-dir", "run"]
        assert cli.run(arguments) == 0
    return folder


@pytest.fixture(autouse=True)
def beside_them(trained, monkeypatch):
    monkeypatch.chdir(trained)


def rows_of(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def test_the_test_folder_gives_the_accuracy_of_the_evaluation(nastk, capsys):
    """To the last image, and image by image what the images of the evaluation give."""
    code, out, err = nastk("predict", "run", "photos/test")
    assert code == 0, err
    rows = rows_of(out)
    hits = sum(row["class"] == Path(row["file"]).parent.name for row in rows)
    summary = json.loads(Path("run/summary.json").read_text())
    assert 100 * hits / len(rows) == summary["test_accuracy"]
    assert 1 / 3 < hits / len(rows) < 1, "neither guessed nor easy, so that a change of the images would show"

    config = read_config(Path("run"))
    train = load_images(config.data, "train")
    batches = Batches(load_images(config.data, "test", like=train), 512).epoch()
    network = load_classifier(Path("run"))
    with torch.inference_mode():
        shares = torch.cat([network(images) for images, _ in batches]).softmax(dim=1)
    assert len(rows) == len(shares) == 36
    for row, share in zip(rows, shares.tolist(), strict=True):
        by_class = dict(zip(network.classes, share, strict=True))
        assert row["class"] == max(by_class, key=by_class.__getitem__)
        for number in ("", "_2", "_3"):
            assert float(row[f"probability{number}"]) == pytest.approx(
                by_class[row[f"class{number}"]], abs=1e-5
            )
    assert re.fullmatch(r"36 images, [\d,.]+ images/s\n", err)


@pytest.mark.parametrize("source", ["run", "run/weights.safetensors"])
def test_of_single_images(source, nastk):
    first, second = "photos/test/above/0.png", "photos/test/whole/1.jpg"
    code, out, err = nastk("predict", source, first, second, "--top", 2)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert (lines[0], lines[3], len(lines)) == (first, second, 6)
    shares = [float(re.fullmatch(r" +([\d.]+) %  \S.*", lines[number])[1]) for number in (1, 2)]
    assert shares[0] > shares[1] and sum(shares) <= 100.01
    content = json.loads(nastk("predict", source, first, second, "--top", 2, "--json").out)
    assert [image["file"] for image in content["images"]] == [first, second]
    assert content["unreadable"] == []
    best = content["images"][0]["classes"][0]
    assert lines[1] == f"{100 * best['probability']:8.2f} %  {best['class']}"
    rows = rows_of(nastk("predict", source, "photos/test", "--top", 1).out)
    assert list(rows[0]) == ["file", "class", "probability"]


def test_what_cannot_be_read_is_told_at_the_end(nastk, tmp_path):
    shutil.copytree("photos/test/above", tmp_path / "new")
    (tmp_path / "new" / "0.png").write_bytes(b"no image")
    (tmp_path / "new" / "1.jpg").write_bytes(Path("photos/test/above/1.jpg").read_bytes()[:300])
    (tmp_path / "new" / "notes.txt").write_text("no image, and nobody says it is one")
    code, out, err = nastk("predict", "run", tmp_path / "new", "nowhere.png")
    assert code == 2
    assert len(rows_of(out)) == 10
    lines = err.splitlines()
    assert lines[0].startswith("left out 1 other file of ") and "notes.txt" in lines[0]
    assert lines[2].startswith("Error: 3 of 13 files cannot be read: ")
    assert "0.png (not an image)" in lines[2] and "nowhere.png (no such file or directory)" in lines[2]
    assert len(lines) == 3
    code, out, err = nastk("predict", "run", tmp_path / "new" / "0.png", "photos/test/above/2.png", "--json")
    assert (code, len(json.loads(out)["images"])) == (2, 1)
    assert json.loads(out)["unreadable"] == [
        {"file": str(tmp_path / "new" / "0.png"), "reason": "not an image"}
    ]
    assert err.startswith("Error: 1 of 2 files cannot be read: ")


def test_batches_are_filled_and_their_order_is_that_of_the_files(nastk, monkeypatch):
    """Of a batch of 4 images one may be unreadable, or all."""
    whole = nastk("predict", "run", "photos/test").out
    sizes = []
    classify = work.Classifier.classify
    monkeypatch.setattr(
        work.Classifier,
        "classify",
        lambda self, pixels, top: sizes.append(len(pixels)) or classify(self, pixels, top),
    )
    monkeypatch.setattr(work, "_PIXELS", 4 * 16 * 16)
    parts = nastk("predict", "run", "photos/test").out
    assert sizes == [4] * 9
    for one, other in zip(rows_of(whole), rows_of(parts), strict=True):
        assert (one["file"], one["class"]) == (other["file"], other["class"])
        assert float(one["probability"]) == pytest.approx(float(other["probability"]), rel=1e-4)
    files = ["photos/test/above/0.png", *["nowhere"] * 5, "photos/test/whole/0.png"]
    found = list(package.predict("run", files, top=1))
    assert [prediction.path for prediction in found] == files
    assert [len(prediction.classes) for prediction in found] == [1, 0, 0, 0, 0, 0, 1]
    assert sizes[-2:] == [1, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "Missing argument 'IMAGE|DIR...'."),
        (["nowhere", "x.png"], "nowhere: cannot be read: No such file or directory"),
        (
            ["photos", "x.png"],
            "photos: a directory without weights.safetensors, so no finished evaluation or transfer",
        ),
        (["run/config.yaml", "x.png"], "run/config.yaml: not a weights file of nastk: "),
        (["run", "x.png", "--top", "0"], "'--top': 0 is not in the range x>=1"),
        (["run", "empty"], "empty has no image ("),
    ],
)
def test_errors(words, message, nastk):
    code, out, err = nastk("predict", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("Error: ") and message in err


def test_names_that_are_no_text(nastk, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    name = b'\xff, "a".png'.decode(errors="surrogateescape")
    shutil.copy("photos/test/above/0.png", folder / name)
    code, out, _ = nastk("predict", "run", folder)
    assert code == 0
    assert rows_of(out)[0]["file"] == f"{folder}/" + '\\udcff, "a".png'
    assert (
        json.loads(nastk("predict", "run", folder, "--json").out)["images"][0]["file"] == f"{folder}/{name}"
    )
