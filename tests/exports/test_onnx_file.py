"""The ONNX file: onnxruntime agrees for any batch, its metadata, and nothing of this machine inside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

import onnx
import onnxruntime
import pytest
import torch
from test_export import assert_nothing_of_this_machine

import nastk
from nastk.networks.classifier import Classifier, load_classifier


class Written(NamedTuple):
    network: Classifier
    content: bytes
    session: Any
    told: str


@pytest.fixture(scope="session", params=["two cells", pytest.param("benchmark", marks=pytest.mark.slow)])
def written(request, runs, tmp_path_factory) -> Written:
    """Once a session, as it takes long; by a process of its own, as libraries in C write past Python."""
    folder, run = tmp_path_factory.mktemp("onnx"), runs[request.param]
    words = ["export", run, "--format", "onnx", "--out", "a.onnx"]
    command = [sys.executable, "-W", "error", "-m", "nastk", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    session = onnxruntime.InferenceSession(folder / "a.onnx", providers=["CPUExecutionProvider"])
    return Written(load_classifier(run), (folder / "a.onnx").read_bytes(), session, done.stdout + done.stderr)


def test_of_what_torch_says_nothing_is_seen(written):
    assert written.told == "wrote a.onnx\n"


@pytest.mark.parametrize("num", [1, 2, 5])
def test_onnxruntime_agrees_for_any_batch(num, written, images_of):
    images = images_of(written.network, num)
    with torch.inference_mode():
        wanted = written.network(images)
    (found,) = written.session.run(["logits"], {"images": images.numpy()})
    assert (torch.from_numpy(found) - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_shapes_and_metadata(written):
    (taken,), (given,) = written.session.get_inputs(), written.session.get_outputs()
    assert (taken.name, taken.shape) == ("images", ["batch", *written.network.shape])
    assert (given.name, given.shape) == ("logits", ["batch", 6])
    about = written.session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(about["classes"])) == written.network.classes
    assert tuple(json.loads(about["mean"])) == written.network.mean
    assert tuple(json.loads(about["std"])) == written.network.std
    assert tuple(json.loads(about["image_shape"])) == written.network.shape
    assert json.loads(about["genotype"])["space"] == written.network.genotype.space
    assert about["nastk"] == nastk.__version__


def test_nothing_of_this_machine(written):
    """Neither paths nor the names of modules, of whatever part of the graph."""
    assert_nothing_of_this_machine(written.content)
    for trace in (b".py", b"stack_trace", b"nastk.networks", b"pkg."):
        assert trace not in written.content
    model = onnx.load_from_string(written.content)
    assert model.graph.node and not [
        node for node in model.graph.node if node.metadata_props or node.doc_string
    ]


def test_without_its_packages(runs, nastk_command, monkeypatch):
    """One line, before anything is loaded."""
    for name in ("onnx", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    assert nastk_command("export", runs["cells"], "--format", "onnx") == (
        *(2, ""),
        "Error: --format onnx needs onnx and onnxscript (nastk's extra `export`): "
        "pip install onnx onnxscript onnxruntime\n",
    )
