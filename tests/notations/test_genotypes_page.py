"""docs/genotypes.md: every genotype on it is DARTS's cell, and every command answers as it says."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from notation_writers import nodes_of

from nastk.archs import load_arch
from nastk.cli.show import show
from nastk.genotype import parse, to_literal

PAGE = (Path(__file__).parents[2] / "docs" / "genotypes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GENOTYPES = [block for kind, block in BLOCKS if kind == "genotype"]
# (command, what it answers: an error, or nothing)
COMMANDS = [
    (command, answer.strip())
    for kind, block in BLOCKS
    if kind == "console"
    for command, answer in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE)
]
V1, V2 = (load_arch(name).genotype for name in ("darts-v1", "darts-v2"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The directory that the commands are typed in."""
    monkeypatch.chdir(tmp_path)
    Path("genotypes.py").write_text(f"DARTS_V1 = {to_literal(V1)}\nDARTS_V2 = {to_literal(V2)}\n")
    Path("log.txt").write_text("".join(f"epoch {i} genotype = {to_literal(V2)}\n" for i in range(50)))


def test_the_page_has_all_notations_and_ways():
    assert (len(GENOTYPES), len(COMMANDS)) == (8, 7)


@pytest.mark.parametrize("text", GENOTYPES)
def test_a_genotype_on_the_page_is_darts_s_cell(text):
    found = parse(text)[0]
    if "NetworkSelector" in text:  # which has no order of a node's two
        for cell in ("normal", "reduce"):
            pairs, expected = (nodes_of(getattr(genotype.body, cell)) for genotype in (found, V2))
            assert pairs == [(node, tuple(sorted(two, key=lambda pair: pair[1]))) for node, two in expected]
    else:
        assert found == V2


@pytest.mark.parametrize(("command", "answer"), COMMANDS)
def test_a_command_on_the_page_answers_as_it_says(command, answer, here):
    nastk, verb, word = shlex.split(command)
    assert (nastk, verb) == ("nastk", "show")
    if answer:
        with pytest.raises(ValueError) as caught:
            load_arch(word)
        assert f"Error: {caught.value}" == answer
    else:
        assert load_arch(word).genotype == V2


def test_what_show_calls_them(here):
    names = [load_arch(shlex.split(command)[-1]).name for command, answer in COMMANDS if not answer]
    assert names == ["genotypes-DARTS_V2", "darts-d9b0ae4c", "log-50"]
    assert all(f"`{name}`" in PAGE for name in names[:2])
    answered = CliRunner().invoke(show, ["genotypes.py:DARTS_V2", "--num-cells", "1", "--init-channels", "4"])
    assert answered.exit_code == 0 and "\ngenotypes-DARTS_V2: " in answered.output
