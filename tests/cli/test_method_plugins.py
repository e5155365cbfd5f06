"""Methods of other packages: the package that docs/adding-a-method.md shows, and packages that are wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from command_lines import SMALL
from pages import read_page

from nastk import registry
from nastk.cli.progress import TerminalProgress

FILES, COMMANDS = read_page("adding-a-method.md")
WORDS = [word for word in SMALL if "drop_path" not in word]
SEARCH = ["search", "--method", "hill-climbing", *WORDS, "train.epochs=1", "search.proposals=3"]


@pytest.fixture
def hill_climbing(install) -> Path:
    """The page's package."""
    files = {path: FILES[path] for path in FILES if path.startswith("hill_climbing/")}
    assert files and set(FILES) - set(files) == {"setup.cfg", "pyproject.toml"}
    return install(FILES["setup.cfg"], files | {"hill_climbing/__init__.py": ""})


def declaring(package: str, *methods: str) -> str:
    lines = "".join(f"    {name} = {package}_module:Method\n" for name in methods)
    return f"[metadata]\nname = {package}\nversion = 0.1\n[options.entry_points]\nnastk.methods =\n{lines}"


def test_the_commands_of_the_page(hill_climbing, nastk):
    (_, *shown, search, split) = COMMANDS
    assert [line[:3] for line in shown] == [["nastk", "list", "methods"], ["nastk", "config", "search"]]
    listed, configuration = (nastk(*line[1:]) for line in shown)
    assert re.search(r"^hill-climbing +from nastk-hill-climbing 1\.0$", listed.out, re.MULTILINE)
    assert json.loads(nastk("list", "methods", "--json").out)["hill-climbing"].endswith(" 1.0")
    assert "\nmethod: hill-climbing\n" in configuration.out
    assert "\n  proposals: 40 " in configuration.out and "\n  num_cells: 3 " in configuration.out
    operations = "space.operations=[skip_connect, max_pool_3x3]"
    assert nastk(*search[1:], *WORDS, "search.proposals=2", operations).code == 0
    found = json.loads(Path("genotype.json").read_text())
    used = {operation for cell in ("normal", "reduce") for operation, _ in found[cell]}
    assert used == {"skip_connect", "max_pool_3x3"}
    assert found["provenance"]["command"].startswith("nastk search --method hill-climbing --preset quick ")
    few = ("search.groups=[2]", "search.rounds=1", "search.probe_epochs=1", "search.leaf_share=0.5")
    assert nastk(*split[1:], *WORDS, "search.proposals=2", operations, *few, "--run-dir", "split").code == 0
    details = json.loads(Path("split/details.json").read_text())
    assert len(details["leaves"]) == 2
    assert (
        len(Path("split/metrics.jsonl").read_text().splitlines()) == 1 + 14 + 2
    )  # epoch, edges, a proposal a leaf


def test_stopped_and_resumed(hill_climbing, nastk, result_of, monkeypatch):
    assert nastk(*SEARCH, "--run-dir", "whole").code == 0

    def interrupt(_: TerminalProgress, step: int, metrics: dict[str, Any]) -> None:
        if step == 2:  # whose checkpoint is not written yet
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", interrupt)
        code, _, err = nastk(*SEARCH, "--run-dir", "run")
    assert code == 130 and "\nTo continue: nastk search --resume run\n" in err
    assert torch.load("run/checkpoint.pt")["step"] == 1
    assert nastk("search", "--resume", "run").code == 0
    assert result_of(Path("run")) == result_of(Path("whole"))
    assert len(result_of(Path("run"))["metrics.jsonl"]) == 3


def test_listing_does_not_import_them(hill_climbing):
    code = (
        "import sys, nastk.cli\n"
        "assert nastk.cli.run(['list', 'methods']) == 0\n"
        "print({'torch', 'hill_climbing'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(hill_climbing)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "hill-climbing" in done.stdout and done.stdout.splitlines()[-1] == "set()"


def test_names_that_are_nearly_right(hill_climbing, nastk):
    assert "did you mean 'hill-climbing'? known: " in nastk("search", "--method", "hil-climbing").err
    assert "hill-climbing" in nastk("search").last_line
    message = "Error: unknown preset of search 'quik'; did you mean 'quick'? known: paper, quick, small"
    assert nastk("config", "search", "--method", "hill-climbing", "--preset", "quik").last_line == message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "ModuleNotFoundError: No module named 'broken_module'"),
        ({"broken_module.py": "import missing"}, "ModuleNotFoundError: No module named 'missing'"),
        ({"broken_module.py": "1 / 0"}, "ZeroDivisionError: division by zero"),
        ({"broken_module.py": "Mehod = 1"}, "AttributeError: module 'broken_module' has no attribute"),
    ],
)
def test_a_package_that_cannot_be_imported(files, message, install, nastk):
    """It is named when it is asked for, and hinders nobody else."""
    install(declaring("broken", "fails"), files)
    for line in (["search", "--method", "fails"], ["config", "search", "--method", "fails"]):
        code, out, err = nastk(*line)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith(
            f"Error: method 'fails' from broken 0.1 cannot be loaded: {message}"
        )
        assert "Traceback" not in err
    assert nastk("list", "methods").code == 0
    assert nastk("config", "search", "--method", "random").code == 0


def test_a_name_that_two_have(install, nastk):
    """nastk's own methods keep their names; of two packages the alphabetically first has it."""
    install(declaring("first", "random", "climb"), {})
    install(declaring("second", "climb"), {})
    assert registry.methods()["random"] is registry.METHODS["random"]
    assert registry.methods()["climb"].help == "from first 0.1"
    assert nastk("config", "search", "--method", "random").code == 0
