"""What holds for every format: the auxiliary head is gone, nothing of this machine is inside, and the words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from nastk.exports import formats
from nastk.networks.classifier import load_classifier

MACHINE = [str(Path(__file__).parents[2]), os.path.dirname(torch.__file__), str(Path.home()), "/home/me"]


def assert_nothing_of_this_machine(content: bytes) -> None:
    assert not [place for place in MACHINE if place not in ("/", "") and place.encode() in content]


@pytest.fixture
def nastk(nastk_command):
    return lambda *words: nastk_command("export", *words)


def test_what_is_loaded_has_no_auxiliary_head(run):
    assert load_classifier(run).network.auxiliary is None
    assert not [name for name in load_classifier(run).state_dict() if "auxiliary" in name]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["darts-v2"], "Missing option '--format'"),
        (["darts-v2", "--format", "safetensor"], "'safetensor' is not one of"),
        (
            ["darts-v2", "--format", "safetensors"],
            "darts-v2 has no trained weights, and --format safetensors is of no use without: name the run directory of "
            "nastk evaluate, or --weights FILE (--format python writes the network untrained)",
        ),
        (["nowhere", "--format", "safetensors"], "unknown architecture 'nowhere'"),
        (["darts-v2", "--weights", "x", "--format", "torch-export"], "x: cannot be read: No such file"),
        (["x.safetensors", "--format", "torch-export"], "x.safetensors: cannot be read: No such file"),
        (
            ["RUN", "--format", "safetensors", "--out", "file"],
            "--out: file is a file; this format is a folder",
        ),
        (["RUN", "--format", "safetensors", "--out", "RUN"], "cells is a run directory; name another folder"),
        (["nor_conv_3x3~0|" * 99, "--format", "onnx"], "unknown architecture"),
        (["RUN", "--format", "torch-export", "--out", "."], "--out: . is a directory; name a file"),
        (["RUN", "--format", "torch-export", "--out", "a/b.pt2"], "--out: a is no directory"),
        (
            ["darts-v2", "--weights", "RUN/weights.safetensors", "--format", "safetensors"],
            "weights.safetensors is of another architecture than darts-v2",
        ),
    ],
)
def test_errors(words, message, nastk, runs):
    Path("file").touch()
    code, out, err = nastk(*(word.replace("RUN", str(runs["cells"])) for word in words))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("Error: ") and message in err
    assert os.listdir() == ["file"]


def test_a_missing_package_is_named(nastk, runs, monkeypatch):
    form = formats.Format(
        "nastk.exports.hub_folder:write", "", suffix="", packages=("json", "no_such_package")
    )
    monkeypatch.setitem(formats.FORMATS, "safetensors", form)
    code, out, err = nastk(runs["cells"], "--format", "safetensors")
    assert (code, out) == (2, "")
    assert err == (
        "Error: --format safetensors needs no_such_package (nastk's extra `export`): "
        "pip install json no_such_package\n"
    )


def test_the_names_of_what_is_written(nastk, runs):
    """After the run; what was there before is kept, unless it is the same."""
    for expected in ("wrote cells", "wrote cells"):
        assert nastk(runs["cells"], "--format", "safetensors") == (0, "", f"{expected}\n")
    assert sorted(os.listdir("cells")) == ["README.md", "config.json", "model.safetensors"]
    Path("cells/README.md").write_text("mine")
    assert nastk(runs["cells"] / "weights.safetensors", "--format", "safetensors") == (
        *(0, ""),
        "kept the earlier cells/README.md as cells/README.1.md\nwrote cells\n",
    )
    Path("genotype.json").write_bytes(b"")
    assert nastk(runs["benchmark"], "--format", "safetensors", "--out", "new")[0] == 0
    assert sorted(os.listdir("new")) == ["README.md", "config.json", "model.safetensors"]
