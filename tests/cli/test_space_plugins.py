"""Spaces of other packages: the package that docs/adding-a-space.md shows, and packages that are wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_lines import SMALL
from pages import read_page

from nastk import registry
from nastk.networks.gates import uniform_mixture, uniform_path
from nastk.spaces.mask import Mask
from nastk.spaces.space import Derivable, Encodable, Space, WithPaths

FILES, COMMANDS = read_page("adding-a-space.md")
WORDS = [word for word in SMALL if "drop_path" not in word]
FEW = {
    "relativenas": ("search.population=2", "search.generations=2", "train.drop_path=0.3"),
    "darts": ("train.epochs=2",),
    "fewshot": ("train.epochs=2", "search.rounds=1", "search.probe_epochs=1", "search.leaf_share=0.5"),
}


@pytest.fixture
def tiny_chain(install) -> Path:
    """The page's package."""
    files = {path: FILES[path] for path in FILES if path.startswith("tiny_chain/")}
    assert files and set(FILES) - set(files) == {"setup.cfg", "pyproject.toml"}
    return install(FILES["setup.cfg"], files)


def test_the_commands_of_the_page(tiny_chain, nastk):
    _, listing, *searches, evaluation = COMMANDS
    assert [line[3] for line in searches] == ["relativenas", "darts", "fewshot", "relativenas"]
    assert re.search(r"^tiny-chain +from nastk-tiny-chain 1\.0$", nastk(*listing[1:]).out, re.MULTILINE)
    for number, line in enumerate(searches):
        found = nastk(*line[1:], *WORDS, *FEW[line[3]], "--run-dir", f"run{number}")
        assert found.code == 0, found.err
        assert len(json.loads(Path("genotype.json").read_text())["layers"]) == 4
    leaves = json.loads(Path("run2/details.json").read_text())["leaves"]
    assert len(leaves) == 2
    limited = json.loads(Path("run3/ranking.json").read_text())[0]["params"]
    assert "limits: at most 150,000 parameters" in found.err and limited <= 150_000
    shown = nastk("show", "genotype.json")
    assert shown.code == 0 and "layers: [" in shown.out and "16 channels, 3 cells" in shown.out
    words = [word for word in SMALL if not word.startswith("network.")]
    trained = nastk(*evaluation[1:], *words, "data.max_test=20", "train.epochs=1", "--run-dir", "trained")
    assert trained.code == 0, trained.err
    assert json.loads(Path("trained/summary.json").read_text())["params"] == limited


def test_resuming_a_search_of_the_page(tiny_chain, nastk, result_of, monkeypatch):
    search = ["search", "--method", "relativenas", "--space", "tiny-chain", *SMALL]
    search += ["search.population=2", "search.generations=2"]
    assert nastk(*search, "--run-dir", "whole").code == 0
    with monkeypatch.context() as patch:
        patch.setattr("nastk.cli.progress.TerminalProgress.update", _stop)
        assert nastk(*search, "--run-dir", "stopped").code == 130
    assert nastk("search", "--resume", "stopped").code == 0
    assert result_of(Path("stopped")) == result_of(Path("whole"))


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_space_of_the_page_has_all_that_its_protocols_ask(tiny_chain):
    space = registry.load_space("tiny-chain")
    assert all(isinstance(space, kind) for kind in (Space, Encodable, WithPaths, Derivable))
    mask = space.mask_of(["conv_3x3", "skip"])
    assert mask.allowed == ((0,), (0, 1), (0,), (0, 1))  # of what each decision has
    with pytest.raises(
        ValueError, match=r"^space\.operations: no operation is left for chain layer 1 \(it has conv_3x3, "
    ):
        space.mask_of(["skip"])
    codec = space.codec(mask)
    assert codec.upper == (2, 3, 3, 2)
    genotype = codec.decode([2.0, 0.1, 3.0, 2.0])
    assert genotype.body == ("conv_3x3", "skip", "conv_3x3", "conv_3x3")
    assert codec.decode(codec.encode(genotype)) == genotype


def test_the_supernet_of_the_page_is_the_networks_that_it_holds(tiny_chain):
    """A path through it is the network of its genotype with the same weights, but for affine norms."""
    entry, space = registry.space_entry("tiny-chain"), registry.load_space("tiny-chain")
    mask = Mask.full(space.decisions)
    size = {"init_channels": 8, "num_cells": 2, "num_classes": 3}
    supernet = entry.load_supernet()(space, mask, **size).double().eval()
    gates = uniform_path(mask, torch.Generator().manual_seed(3))
    genotype = space.genotype([row[0][0] for row in gates.rows])
    network = entry.load_network()(genotype, **size).double().eval()
    own, path = network.state_dict(), supernet.path_names(gates)
    values = [supernet.state_dict()[name] for name in path]
    affine = [name for name in own if re.search(r"layers.*norm\.(weight|bias)$", name)]
    own |= dict(zip([name for name in own if name not in affine], values, strict=True))
    network.load_state_dict(own)
    images = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(supernet(images, gates), network(images)[0])
    assert supernet(images, uniform_mixture(mask)).isfinite().all()
    parts = [supernet.decision_parameters(number) for number in range(4)]
    assert len({id(p) for part in parts for p in part}) == sum(map(len, parts)) > 0


def test_listing_costs_no_torch_and_a_package_that_cannot_be_loaded_hurts_nobody_else(install, nastk):
    declared = "[metadata]\nname = broken\nversion = 0.1\n[options.entry_points]\nnastk.spaces =\n"
    site = install(
        declared + "    broken = broken_space:ENTRY\n    nothing = nothing_space:ENTRY\n",
        {"broken_space.py": "1 / 0\n", "nothing_space.py": "ENTRY = 3\n"},
    )
    assert "broken" in nastk("list", "spaces").out
    refused = nastk("search", "--method", "darts", "--space", "broken")
    message = "space 'broken' from broken 0.1 cannot be loaded: ZeroDivisionError: division by zero"
    assert refused.code == 2 and refused.last_line == f"Error: {message}"
    refused = nastk("search", "--method", "darts", "--space", "nothing")
    assert refused.last_line == "Error: space 'nothing' from broken 0.1 is no nastk.registry.SpaceEntry"
    assert nastk("show", "darts-v2").code == 0
    assert nastk("show", "|none~0|+|none~0|skip_connect~1|+|none~0|none~1|none~2|").code == 0
    refused = nastk("search", "--method", "pdarts", "--space", "nasbench201")
    assert refused.last_line.endswith("cannot take space 'nasbench201', only darts or relativenas")
    code = "import sys; from nastk import cli; cli.run(['list', 'spaces']); sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": f"{site}:{Path(registry.__file__).parents[1]}"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
