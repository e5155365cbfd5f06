"""The folder for model hubs: its weights are the run's, config.json says all that one needs, nastk reads it again."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from test_export import assert_nothing_of_this_machine

import nastk
from nastk.exports.exported import Exported
from nastk.exports.hub_folder import write
from nastk.networks.classifier import load_classifier


def test_the_weights_are_those_of_the_run(run, images_of):
    folder = nastk.export(run, format="safetensors", out="folder")
    assert folder == Path("folder")
    tensors, before = load_file("folder/model.safetensors"), load_file(run / "weights.safetensors")
    assert tensors.keys() == {name for name in before if not name.startswith("auxiliary.")}
    assert all(tensor.equal(before[name]) for name, tensor in tensors.items())
    network, again = load_classifier(run), nastk.load(folder)
    images = images_of(network, 3)
    with torch.inference_mode():
        assert network(images).equal(again(images))
    assert (again.classes, again.shape, again.mean, again.std, again.values) == (
        *(network.classes, network.shape, network.mean, network.std, network.values),
    )
    for file in folder.iterdir():
        assert_nothing_of_this_machine(file.read_bytes())


def test_config(runs):
    nastk.export(runs["cells"], format="safetensors", out="folder")
    config = json.loads(Path("folder/config.json").read_text())
    assert config["architecture"] == "nastk_darts"
    assert (config["num_classes"], config["num_features"], config["global_pool"]) == (6, 8 * 4 * 4, "avg")
    assert config["label_names"][:3] == ["cat", "dog", "it's"]
    assert config["pretrained_cfg"] == {
        "tag": "cells",
        "custom_load": False,
        "input_size": [3, 16, 24],
        "fixed_input_size": True,
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "center",
        "mean": [0.3, 0.4, 0.5],
        "std": [0.21] * 3,
        "num_classes": 6,
        "pool_size": [4, 6],
        "first_conv": "stem.conv",
        "classifier": "classifier.linear",
    }
    facts = config["nastk"]
    assert facts["network"] == {"init_channels": 8, "num_cells": 3, "stem": "cifar", "auxiliary": False}
    assert (facts["genotype"]["space"], facts["values"]) == ("darts", [0, 4095])
    assert facts["training"] == {"dataset": "photos", "seed": 3, "epochs": 20, "test_accuracy": 93.217}
    card = Path("folder/README.md").read_text()
    assert "trained on photos with seed 3; test accuracy 93.22 % after the last of 20 epochs" in card


def test_of_weights_alone_the_training_is_not_known(runs):
    exported = Exported(load_classifier(runs["benchmark"]), "weights")
    content = write(exported)
    assert "How it was trained is not known." in content["README.md"].decode()
    config = json.loads(content["config.json"])
    assert (config["nastk"]["training"], config["pretrained_cfg"]["pool_size"]) == ({}, [4, 4])
    assert content == write(exported)
