"""Weights files: what is saved is loaded, heads of other classes stay fresh, damage is answered."""

import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from nastk.archs import load_arch
from nastk.genotype import to_json
from nastk.networks.cell_network import CellNetwork
from nastk.networks.weights import adopt, load, save

GENOTYPE = load_arch("relativenas-cifar10").genotype
NETWORK = {"init_channels": 2, "num_cells": 3, "stem": "cifar", "auxiliary": True}
DATA = {"classes": ["a", "é"], "shape": [3, 8, 8], "mean": [0.5], "std": [0.25]}


def network_of(**options):
    options = {"init_channels": 2, "num_cells": 3, "num_classes": 4, "auxiliary": True} | options
    return CellNetwork(GENOTYPE, **options)


@pytest.fixture
def saved(tmp_path):
    network = network_of().to(memory_format=torch.channels_last)
    network(torch.randn(2, 3, 8, 8))
    path = tmp_path / "weights.safetensors"
    save(path, network, GENOTYPE, network=NETWORK, data=DATA, config="")
    return path, network.state_dict()


def differing(module, state):
    return {name for name, tensor in module.state_dict().items() if not tensor.equal(state[name])}


def message_of(function, *arguments):
    with pytest.raises(ValueError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_round_trip(saved):
    path, state = saved
    weights = load(path)
    assert (weights.genotype, weights.network, weights.data) == (GENOTYPE, NETWORK, DATA)
    assert weights.tensors.keys() == state.keys()
    assert all(tensor.equal(state[name]) for name, tensor in weights.tensors.items())
    other = network_of()
    assert adopt(other, weights, path) is False
    assert differing(other, state) == set()


def test_heads_of_other_classes_stay_fresh(saved):
    path, state = saved
    other = network_of(num_classes=7)
    heads = {name: tensor.clone() for name, tensor in other.state_dict().items() if "classifier" in name}
    assert adopt(other, load(path), path) is True
    found = other.state_dict()
    assert {name for name in found if found[name].shape != state[name].shape or name in heads} == heads.keys()
    assert all(found[name].equal(tensor) for name, tensor in heads.items())
    assert all(found[name].equal(state[name]) for name in found if name not in heads)


def test_an_auxiliary_head_that_only_one_has_is_left_out(saved, tmp_path):
    path, state = saved
    other = network_of(auxiliary=False)
    assert adopt(other, load(path), path) is False
    assert differing(other, state) == set()
    save(tmp_path / "plain", other, GENOTYPE, network=NETWORK, data=DATA, config="")
    third = network_of()
    assert adopt(third, load(tmp_path / "plain"), path) is False
    assert all(name.startswith("auxiliary.") for name in differing(third, state))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"init_channels": 3},
            "auxiliary.conv1.weight is of shape [128, 32, 1, 1] in the file, of shape [128, 48, 1, 1] "
            "in the network",
        ),
        (
            {"auxiliary": False, "init_channels": 3},
            "cells.0.operations.0.stages.0.depthwise.weight is of shape [2, 1, 3, 3] in the file, "
            "of shape [3, 1, 3, 3] in the network",
        ),
        (
            {"channels_in": 1},
            "stem.conv.weight is of shape [6, 3, 3, 3] in the file, of shape [6, 1, 3, 3] in the network",
        ),
    ],
)
def test_another_network_is_refused_and_left_as_it_was(options, message, saved):
    path, _ = saved
    other = network_of(**options)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    assert message_of(adopt, other, load(path), path) == f"{path}: does not fit this network: {message}"
    assert differing(other, before) == set()


def test_tensors_that_the_network_lacks_are_named(saved):
    path, _ = saved
    weights = load(path)
    weights.tensors["cells.9.extra"] = torch.zeros(2)
    assert message_of(adopt, network_of(), weights, path) == (
        f"{path}: does not fit this network: cells.9.extra is of shape [2] in the file, missing in the network"
    )
    del weights.tensors["cells.9.extra"], weights.tensors["stem.norm.bias"]
    assert message_of(adopt, network_of(), weights, path) == (
        f"{path}: does not fit this network: stem.norm.bias is missing in the file, of shape [6] in the network"
    )


OTHER_TYPES = (
    *(torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool, torch.complex64),
    *(torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn),
)


@pytest.mark.parametrize("dtype", OTHER_TYPES, ids=str)
@pytest.mark.parametrize("name", ["stem.conv.weight", "stem.norm.running_var"])
def test_numbers_of_another_type(name, dtype, saved, tmp_path):
    path, _ = saved
    save_file(load_file(path) | {name: load_file(path)[name].to(dtype)}, path, _metadata(path))
    network = network_of()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = str(dtype).removeprefix("torch.")
    assert message_of(adopt, network, load(path), path) == (
        f"{path}: does not fit this network: {name} is {found} in the file, float32 in the network"
    )
    assert differing(network, before) == set()


def test_counters_of_earlier_versions_are_left_out(saved):
    path, _ = saved
    counters = {f"{norm}.num_batches_tracked": torch.tensor(3) for norm in ("stem.norm", "auxiliary.norm1")}
    assert not counters.keys() & load_file(path).keys()
    save_file(load_file(path) | counters, path, _metadata(path))
    network = network_of()
    assert not adopt(network, load(path), path)
    assert differing(network, {k: v for k, v in load_file(path).items() if k not in counters}) == set()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["stem.conv.weight", "stem.norm.running_var"])
def test_numbers_that_are_not_finite(name, value, saved):
    path, _ = saved
    weights = load(path)
    weights.tensors[name].view(-1)[-1] = value
    network = network_of()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert message_of(adopt, network, weights, path).startswith(
        f"{path}: {name} has numbers that are not finite"
    )
    assert differing(network, before) == set()


def test_a_head_that_is_not_taken_may_be_anything(saved):
    path, _ = saved
    weights = load(path)
    weights.tensors["classifier.linear.bias"] = torch.full((9,), float("nan"), dtype=torch.float64)
    assert adopt(network_of(num_classes=7), weights, path) is True


def _metadata(path):
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert message_of(load, tmp_path / "pipe").endswith("pipe: not a weights file of nastk: no regular file")


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 1000, -1])
def test_a_truncated_file(kept, saved):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:kept])
    assert message_of(load, path).startswith(f"{path}: not a weights file of nastk: ")


@pytest.mark.parametrize("content", [b"\xff" * 99, b"\0" * 99, b"PK\x03\x04" + b"x" * 99, b"{}"])
def test_other_files(content, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(content)
    assert message_of(load, path).startswith(f"{path}: not a weights file of nastk: ")


def test_no_file_at_all(tmp_path):
    gone = tmp_path / "gone"
    assert message_of(load, gone) == f"{gone}: cannot be read: No such file or directory"
    assert message_of(load, tmp_path).startswith(f"{tmp_path}: ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("genotype", None, "no 'genotype' in its metadata"),
        ("network", None, "no 'network' in its metadata"),
        ("data", None, "no 'data' in its metadata"),
        ("genotype", {}, "format: expected 'nastk-genotype', found None"),
        ("network", 3, "network: expected an object, found 3"),
        ("data", [], "data: expected an object, found []"),
    ],
)
def test_damaged_metadata(name, value, message, saved):
    path, _ = saved
    about = {"genotype": json.loads(to_json(GENOTYPE)), "network": NETWORK, "data": DATA}
    about.pop(name)
    save_file(load_file(path), path, {"nastk": json.dumps(about if value is None else about | {name: value})})
    assert message_of(load, path).startswith(f"{path}: not a weights file of nastk: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "nastk: expected an object, found 3"),
        ("{", "no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[" * 100_000, "no JSON: too many brackets in one another"),
        ('{"genotype": 1e400}', "no JSON: the number 1e400 is too large"),
        ('{"network": ' + "9" * 5000 + "}", "no JSON: an integer of 5000 digits"),
    ],
)
def test_metadata_that_are_no_json_object(text, message, saved):
    path, _ = saved
    save_file(load_file(path), path, {"nastk": text})
    assert message_of(load, path).startswith(f"{path}: not a weights file of nastk: {message}")


def test_a_safetensors_file_of_someone_else(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    assert message_of(load, path) == f"{path}: not a weights file of nastk: no 'nastk' in its metadata"


def test_the_same_content_gives_the_same_bytes(saved, tmp_path):
    path, state = saved
    network = network_of()
    network.load_state_dict(state)
    save(tmp_path / "again", network, GENOTYPE, network=NETWORK, data=DATA, config="")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
