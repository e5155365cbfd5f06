"""The page on own images: its commands as they stand there, on small sets of the names that they have."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pages import read_page
from pictures import CLASSES, put_classes

SIZE = ("network.init_channels=8", "network.num_cells=3", "train.batch_size=8", "--preset", "quick")
SEARCH = (*SIZE, "search.population=2", "search.generations=1")
EVALUATE = (*SIZE, "train.epochs=1")


@pytest.fixture
def sets(monkeypatch, tmp_path):
    monkeypatch.setenv("NASTK_DATA", str(tmp_path / "data"))
    for part in ("train", "val", "test"):
        put_classes(Path("photos") / part, 4)
    put_classes(Path("classes"), 6)
    paths = sorted(Path("classes").rglob("*.png"))
    Path("list.csv").write_text("\n".join(f"{path},{path.parent.name}" for path in paths))
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for path in sorted(Path("photos").rglob("*.png")):
            archive.write(path)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    np.savez("arrays.npz", x_train=pixels, y_train=np.arange(12) % 2, class_names=np.array(CLASSES))


@pytest.mark.usefixtures("sets")
def test_its_commands(nastk):
    _, commands = read_page("own-images.md")
    assert len(commands) == 8
    for number, (program, command, *words) in enumerate(commands):
        assert program == "nastk"
        run_dir = f"run{number}"
        outcome = nastk(command, *words, *(SEARCH if command == "search" else EVALUATE), "--run-dir", run_dir)
        assert outcome.code == 0, outcome.err
        (line,) = [row for row in outcome.err.splitlines() if row.startswith("data: ")]
        assert "of 2 classes (bee, cow), 8x8" in line
        dataset = Path(words[words.index("--dataset") + 1])
        provenance = json.loads(Path("genotype.json").read_text())["provenance"]
        assert provenance["dataset"] == str(dataset.resolve())
