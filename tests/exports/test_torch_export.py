"""The .pt2 file: bit-equal for any batch, and nothing of this machine inside."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import torch
from test_export import assert_nothing_of_this_machine

import nastk
from nastk.networks.classifier import load_classifier


@pytest.fixture(params=["cells", "benchmark"])
def run(request, runs):
    """Without the third, which takes as long again and has nothing that is not in these."""
    return runs[request.param]


@pytest.fixture
def file(run):
    return nastk.export(run, format="torch-export")


def test_reloaded_it_is_bit_equal(run, file, images_of, capfd):
    about = {"nastk.json": ""}
    module = torch.export.load(file, extra_files=about).module()
    network = load_classifier(run)
    with torch.inference_mode():
        for num in (1, 2, 7):
            assert module(images_of(network, num)).equal(network(images_of(network, num)))
        with pytest.raises(AssertionError, match="size"):
            module(torch.zeros(2, network.shape[0], 40, 40))
    facts = json.loads(about["nastk.json"])
    assert (facts["classes"], facts["image_shape"]) == (list(network.classes), list(network.shape))
    assert (facts["torch"], facts["nastk"]) == (torch.__version__, nastk.__version__)
    assert capfd.readouterr() == ("", "")
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        for name in archive.namelist():
            assert_nothing_of_this_machine(name.encode() + archive.read(name))
