"""Searches and an evaluation in NAS-Bench-201's space: methods take it without knowing it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nastk.archs import load_arch

SMALL = [
    *("network.init_channels=2", "network.num_cells=3", "data.max_train=40", "train.batch_size=16"),
    *("engine.threads=1", "engine.device=cpu"),
]
METHODS = {
    "darts": ["train.epochs=2"],
    "relativenas": ["search.population=2", "search.generations=2", "train.drop_path=0.3"],
    "random": ["search.population=2", "search.generations=2"],
}


def search(nastk, method, *words):
    return nastk("search", "--method", method, "--space", "nasbench201", *SMALL, *words, "--run-dir", method)


@pytest.mark.parametrize("method", METHODS)
def test_search_show_and_evaluate(method, nastk):
    outcome = search(nastk, method, *METHODS[method], "space.operations=[none, skip_connect, nor_conv_3x3]")
    assert outcome.code == 0, outcome.err
    assert f"pictures: {method}/cell.svg\n" in outcome.err
    assert {"cell.svg", "genotype.json", "summary.json"} <= set(os.listdir(method))
    content = json.loads(Path("genotype.json").read_text())
    assert list(content) == ["format", "version", "space", "arch", "provenance"]
    arch = content["arch"]
    assert outcome.out.startswith(f"cell {arch}\n")
    assert not any(name in arch for name in ("nor_conv_1x1", "avg_pool_3x3"))

    shown = json.loads(nastk("show", method, "--json").out)
    summary = json.loads(Path(method, "summary.json").read_text())
    assert shown["params"] - summary["params"] == 2 * 9 * 16  # of a grey image: the stem sees one channel

    words = [*SMALL, "network.num_cells=4", "data.max_test=20", "train.epochs=1", "network.auxiliary=true"]
    assert nastk("evaluate", "--arch", method, *words, "--run-dir", "evaluated").code == 0
    assert load_arch("evaluated").genotype == load_arch("genotype.json").genotype
    assert "cell.svg" in os.listdir("evaluated")


def test_a_search_that_was_stopped_goes_on(nastk, monkeypatch, result_of):
    words = METHODS["relativenas"]
    assert search(nastk, "relativenas", *words).code == 0
    expected = result_of(Path("relativenas"))
    Path("relativenas").rename("expected")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nastk.methods.relativenas.RelativeNAS._select", interrupt)
        assert search(nastk, "relativenas", *words).code == 130
    assert nastk("search", "--resume", "relativenas").code == 0
    assert result_of(Path("relativenas")) == expected


@pytest.mark.parametrize(
    ("method", "words", "message"),
    [
        ("pdarts", [], "method pdarts cannot take space 'nasbench201', only darts or relativenas"),
        (
            "darts",
            ["network.num_cells=2"],
            "network.num_cells: space 'nasbench201' needs at least 3, found 2",
        ),
        (
            "random",
            ["space.operations=[none]"],
            "space.operations: no cell is left whose output depends on its input",
        ),
    ],
)
def test_what_cannot_be_searched(method, words, message, nastk):
    code, _, err = search(nastk, method, *words)
    assert (code, err.splitlines()[-1]) == (2, f"Error: {message}")
    assert not Path(method).exists()


def test_a_string_is_evaluated(nastk):
    """Also of a cell that is not connected; there is no stem for large images."""
    arch = "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|"
    words = [*SMALL, "data.max_test=20", "train.epochs=1"]
    assert nastk("evaluate", "--arch", arch, *words, "--run-dir", "run").code == 0
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["arch"] == "nasbench201-003001"
    outcome = nastk("evaluate", "--arch", arch, *words, "network.stem=imagenet", "--run-dir", "other")
    assert outcome.code == 2
    assert (
        outcome.last_line == "Error: network.stem: space 'nasbench201' has the cifar stem only, not imagenet"
    )
