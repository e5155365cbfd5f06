"""Small networks of every operation as trained ones look: statistics that were learnt, heads that are dropped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from nastk import cli
from nastk.archs import load_arch
from nastk.genotype import Genotype, parse
from nastk.networks import weights
from nastk.registry import space_entry

# Every operation of DARTS's family, some in both cells, one twice from one input.
CELLS = """Genotype(
    normal=[("sep_conv_3x3", 0), ("dil_conv_5x5", 1), ("skip_connect", 0), ("max_pool_3x3", 2),
            ("avg_pool_3x3", 1), ("sep_conv_5x5", 3), ("sep_conv_3x3", 1), ("dil_conv_3x3", 0)],
    normal_concat=[2, 3, 4, 5],
    reduce=[("max_pool_3x3", 0), ("skip_connect", 1), ("avg_pool_3x3", 0), ("sep_conv_3x3", 2),
            ("dil_conv_3x3", 1), ("sep_conv_5x5", 0), ("skip_connect", 3), ("dil_conv_5x5", 1)],
    reduce_concat=[2, 3, 4, 5])"""
BENCHMARK = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|avg_pool_3x3~1|skip_connect~2|"
FEW = CELLS.replace("dil_conv_5x5", "sep_conv_3x3").replace("max_pool", "avg_pool")


@dataclasses.dataclass(frozen=True)
class Case:
    text: str
    settings: dict
    shape: tuple[int, int, int]


CASES = {
    "cells": Case(CELLS, {"stem": "cifar", "auxiliary": True}, (3, 16, 24)),
    "imagenet": Case(FEW, {"stem": "imagenet", "auxiliary": False}, (1, 64, 64)),
    "two cells": Case(CELLS, {"stem": "cifar", "auxiliary": False, "num_cells": 2}, (3, 16, 16)),
    "benchmark": Case(BENCHMARK, {"stem": "cifar", "auxiliary": True}, (3, 16, 16)),
}


def genotype_of(case: Case) -> Genotype:
    return parse(case.text)[0] if case.text.startswith("|") else load_arch(case.text).genotype


def write_run(folder: Path, case: Case) -> None:
    """What an evaluation leaves that exports read; its data set lay in a folder that is nobody's business."""
    folder.mkdir()
    genotype = genotype_of(case)
    channels, *size = case.shape
    settings = {"init_channels": 8, "num_cells": 3, **case.settings}
    classes = ["cat", "dog", "it's", 'a "b"', "\\n", "é"]
    torch.manual_seed(0)
    network = space_entry(genotype.space).load_network()(
        genotype, **settings, num_classes=len(classes), channels_in=channels, image_size=tuple(size)
    )
    for _ in range(3):
        network(torch.randn(16, *case.shape))
    data = {
        "classes": classes,
        "shape": case.shape,
        "mean": [0.1 * number + 0.3 for number in range(channels)],
        "std": [0.21] * channels,
        "values": (0, 4095),
    }
    weights.save(
        folder / "weights.safetensors", network, genotype, network=settings, data=data, config="dir: /home/me"
    )
    summary = {
        "dataset": "/home/me/photos",
        "seed": 3,
        "steps": 20,
        "test_accuracy": 93.217,
        "command": "evaluate",
    }
    (folder / "summary.json").write_text(json.dumps(summary))


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Case -> its run directory; not to be changed."""
    place = tmp_path_factory.mktemp("runs")
    state = torch.get_rng_state()
    for name, case in CASES.items():
        write_run(place / name, case)
    torch.set_rng_state(state)
    return {name: place / name for name in CASES}


@pytest.fixture(params=["cells", "imagenet", "benchmark"])
def run(request, runs) -> Path:
    return runs[request.param]


@pytest.fixture
def images_of():
    """A function (network, num) -> normalised images as predict makes them, channels-last."""

    def make(network, num: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(num)
        return torch.randn(num, *network.shape, generator=generator).to(memory_format=torch.channels_last)

    return make


@pytest.fixture
def nastk_command(capsys):
    """Runs a command line: its exit code, stdout and stderr."""

    def run(*words):
        capsys.readouterr()
        code = cli.run([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
