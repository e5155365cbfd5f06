"""The page on training: its commands as they stand there, on a small set of the name that it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pages import DOCS, read_page
from pictures import put_classes

from nastk.archs import FOLDER
from nastk.config import resolve
from nastk.workflows.records import open_record

SMALL = ["train.epochs=2", "train.batch_size=8", "--preset", "quick"]
SIZE = ["network.init_channels=8", "network.num_cells=3"]


@pytest.fixture
def photos() -> None:
    for part in ("train", "test"):
        put_classes(Path("photos") / part, 6)
    Path("genotype.json").write_bytes((FOLDER / "darts-v2.json").read_bytes())


@pytest.mark.usefixtures("photos")
def test_its_commands(nastk):
    _, commands = read_page("training.md")
    assert len(commands) == 6
    run_dirs = [Path("runs/first"), *(Path("runs") / str(number) for number in range(1, 6))]
    for (program, command, *words), run_dir in zip(commands, run_dirs, strict=True):
        assert program == "nastk"
        size = [] if "--weights" in words else SIZE
        outcome = nastk(command, *words, *size, *SMALL, "--run-dir", run_dir)
        assert outcome.code == 0, outcome.err
        accuracy, more = outcome.out.splitlines()
        assert accuracy.startswith("test accuracy ") and more.startswith("balanced accuracy ")
        assert open_record(run_dir).config.data.dataset == str(Path("photos").resolve())
    assert Path("runs/4/weights_best.safetensors").exists()
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in json.loads(Path("runs/first/test.json").read_text()))
    last = json.loads(Path("runs/5/summary.json").read_text())
    assert last["network"]["init_channels"] == 8


def test_its_keys():
    """Every setting that the page names is one."""
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    known = resolve("evaluate", "genotype", "quick", []).settings()
    words = {word for part in page.split("`")[1::2] for word in part.split()}
    keys = {word.partition("=")[0] for word in words if word.startswith(("data.", "train.", "network."))}
    assert len(keys) >= 13 and keys <= known.keys()
