"""The published cells, each against what its authors published, and the ways to name an architecture."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from nastk.archs import list_archs, load_arch
from nastk.genotype import Genotype, to_json, to_literal

SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "sep5": "sep_conv_5x5",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}
PUBLISHED = {
    "darts-v1": (
        "darts",
        "sep3 1, sep3 0 | skip 0, sep3 1 | skip 0, sep3 1 | sep3 0, skip 2",
        "max 0, max 1 | skip 2, max 0 | max 0, skip 2 | skip 2, avg 0",
    ),
    "darts-v2": (
        "darts",
        "sep3 0, sep3 1 | sep3 0, sep3 1 | sep3 1, skip 0 | skip 0, dil3 2",
        "max 0, max 1 | skip 2, max 1 | max 0, skip 2 | skip 2, max 1",
    ),
    "gmnas-darts-cifar10": (
        "darts",
        "sep3 0, sep3 1 | dil3 2, sep5 1 | sep3 1, dil5 3 | skip 0, dil3 2",
        "max 0, max 1 | dil5 2, sep3 0 | dil3 3, skip 1 | dil5 4, sep5 3",
    ),
    "pdarts-cifar10": (
        "darts",
        "skip 0, dil3 1 | skip 0, sep3 1 | sep3 1, sep3 3 | sep3 0, dil5 4",
        "avg 0, sep5 1 | sep3 0, dil5 2 | max 0, dil3 1 | dil3 1, dil5 3",
    ),
    "relativenas-cifar10": (
        "relativenas",
        "sep3 0, dil5 1 | sep3 1, sep3 1 | sep3 1, sep5 1 | skip 0, sep3 0",
        "avg 1, max 1 | dil5 1, max 1 | avg 3, skip 1 | dil5 3, sep3 1",
    ),
    "relativenas-cifar100": (
        "relativenas",
        "dil5 1, skip 0 | sep3 1, sep5 2 | sep3 1, max 0 | sep5 1, dil5 3",
        "max 0, skip 1 | sep3 0, sep5 0 | dil5 2, dil3 2 | sep3 3, sep3 4",
    ),
}


def cell(text):
    words = [word.split() for word in text.replace("|", ",").split(",")]
    return tuple((SHORT[operation], int(source)) for operation, source in words)


def genotype_file(path):
    arch = load_arch("darts-v2")
    path.write_text(to_json(arch.genotype, {"seed": 3}))
    return arch.genotype


def test_all_published_cells_are_listed_with_a_line_of_help():
    listed = list_archs()
    assert list(listed) == sorted(PUBLISHED)
    assert all(line and "\n" not in line and len(line) < 80 for line in listed.values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_cell_is_the_one_its_authors_published(name):
    arch = load_arch(name)
    space, normal, reduce = PUBLISHED[name]
    assert arch.name == name
    assert arch.genotype.space == space
    assert arch.genotype.body.normal == cell(normal)
    assert arch.genotype.body.reduce == cell(reduce)
    assert arch.genotype.body.concat == (2, 3, 4, 5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_cell_says_where_it_comes_from(name):
    provenance = load_arch(name).provenance
    assert provenance["dataset"] == ("cifar100" if name.endswith("cifar100") else "cifar10")
    source = provenance["source"]
    assert source["repository"].startswith("https://github.com/")
    assert source["paper"] and source["arxiv"].replace(".", "").isdigit()


def test_a_genotype_file(tmp_path):
    genotype = genotype_file(tmp_path / "mine.json")
    arch = load_arch(str(tmp_path / "mine.json"))
    assert (arch.name, arch.genotype, arch.provenance) == ("mine", genotype, {"seed": 3})
    assert isinstance(arch.genotype, Genotype)
    with pytest.raises(dataclasses.FrozenInstanceError):
        arch.name = "other"


def test_a_run_directory_is_called_by_its_own_name(tmp_path, monkeypatch):
    run = tmp_path / "run7"
    run.mkdir()
    genotype = genotype_file(run / "genotype.json")
    assert load_arch(str(run)).genotype == genotype
    assert load_arch(str(run)).name == "run7"
    monkeypatch.chdir(run)
    assert load_arch(".").name == "run7"
    assert load_arch("genotype.json").name == "genotype"


def test_a_string_of_nasbench201_is_called_by_its_operations(tmp_path):
    body = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|"
    arch = load_arch(body)
    assert (arch.name, arch.genotype, arch.provenance) == (
        "nasbench201-301204",
        Genotype("nasbench201", body),
        {},
    )
    (tmp_path / "mine.txt").write_text(f"\n {body}\n")
    assert load_arch(str(tmp_path / "mine.txt")).genotype == arch.genotype
    assert load_arch(str(tmp_path / "mine.txt")).name == "mine"
    with pytest.raises(ValueError, match=r"^arch: node 3 must have the form "):
        load_arch(body[:-1])


def test_a_string_of_transnas_is_called_by_its_operations():
    assert load_arch("64-41414-1_23_330").name == "transnas-micro-123330"
    with pytest.raises(ValueError, match=r"^arch: expected 64-41414-a_bc_def of digits 0 to 3"):
        load_arch("64-41414-9_23_330")


def test_a_path_that_exists_wins_over_a_published_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    genotype = genotype_file(tmp_path / "darts-v1")
    assert load_arch("darts-v1").genotype == genotype


def test_a_directory_that_hides_a_published_cell_is_said_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "darts-v1").mkdir()
    with pytest.raises(ValueError, match=r"without genotype\.json.*hides the published cell 'darts-v1'"):
        load_arch("darts-v1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dart-v1", "unknown architecture 'dart-v1'; did you mean 'darts-v1'? known: darts-v1, darts-v2, "),
        ("", "unknown architecture ''; known: "),
        ("x" * 5000, "unknown architecture 'xxx"),
        ("a\0b", "unknown architecture "),
        ("runs/gone", "runs/gone: no such file"),
        ("darts-v1.json", "darts-v1.json: no such file"),
        ("x" * 5000 + ".json", "x"),
        ("a\nb\x1b/\udcff", "a\\nb\\x1b/\\udcff: no such file"),
        ("darts-v1:A", "unknown architecture 'darts-v1:A'; did you mean 'darts-v1'? known: "),
        ("Genotypes.txt", "unknown architecture 'Genotypes.txt'; known: "),
        (":", "unknown architecture ':'; known: "),
    ],
)
def test_what_is_neither_a_path_nor_a_name(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        load_arch(text)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


LITERAL = to_literal(load_arch("darts-v2").genotype)


@pytest.mark.parametrize(
    "text", [LITERAL, f"DARTS_V2 = {LITERAL}", f"# mine\n{LITERAL}\n", f"{'n' * 999} = gt.{LITERAL} # mine"]
)
def test_a_text_is_called_by_its_cells_whatever_its_words(text):
    arch = load_arch(text)
    assert (arch.name, arch.genotype, arch.provenance) == (
        "darts-d9b0ae4c",
        load_arch("darts-v2").genotype,
        {},
    )
    assert load_arch(text.replace("max", "avg")).name.startswith("darts-")
    assert load_arch(text.replace("max", "avg")).name != arch.name


def test_the_text_of_a_genotype_file_keeps_its_provenance():
    genotype = load_arch("relativenas-cifar10").genotype
    arch = load_arch(to_json(genotype, {"seed": 3}))
    assert (arch.genotype, arch.provenance) == (genotype, {"seed": 3})
    assert re.fullmatch("relativenas-[0-9a-f]{8}", arch.name)


def test_one_of_several_in_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = load_arch("darts-v1").genotype
    for name in ("cells.py", "a:b", "a"):
        Path(name).write_text(f"A = {LITERAL}\nB = {to_literal(other)}\n")
    for file in ("cells.py", str(tmp_path / "cells.py"), "a:b", "a"):
        with pytest.raises(ValueError, match=rf"^{file}: 2 genotypes: A, B; FILE:NAME picks one$"):
            load_arch(file)
        assert load_arch(f"{file}:B").genotype == load_arch(f"{file}:2").genotype == other
        with pytest.raises(ValueError, match=rf"^{file}: unknown genotype 'C'; known: A, B$"):
            load_arch(f"{file}:C")
    assert load_arch("cells.py:A").name == "cells-A"
    assert load_arch("cells.py:2").name == "cells-2"
    Path("a:B").write_text(LITERAL)  # a path that exists wins
    assert load_arch("a:B").genotype != other
    assert load_arch("a:B").name == "a-B"


@pytest.mark.parametrize(
    "text", ["gone.py:A", "gone.txt:1", "a/b.json:A", "a/b:A", "./:A:B", "x\n.py:A", "x" * 5000 + ".py:A"]
)
def test_one_of_a_file_that_is_not_there(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r": no such file$") as caught:
        load_arch(text)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 350


@pytest.mark.parametrize(
    "stem",
    ["\n", "a\nb", "\x1b[2J", "caf\xe9 \u202e", "\udcff", "'; rm *", "..x", " - ", "\u6f22" * 80, "x" * 250],
)
def test_a_name_suits_a_title_and_a_directory_whatever_the_file_is_called(stem, tmp_path):
    (tmp_path / stem).write_text(LITERAL)
    for text in (str(tmp_path / stem), str(tmp_path / stem) + ":1"):
        name = load_arch(text).name
        assert name and name.isprintable() and name == name.strip(" .-")
        assert not set(name) & set("/\\:*?\"<>|'")
        run = tmp_path / f"evaluate-{name}-imagenet-20250101-000000"
        run.mkdir()
        run.rmdir()


@pytest.mark.parametrize(
    "text", ["{", "[[", "(1, 2", "Genotype(", "x = {'a': 1}", "none=0: (1,)", "{\n}", "(\ud800)"]
)
def test_a_text_that_is_no_genotype_is_answered_as_one(text):
    with pytest.raises(ValueError, match=r"^(not a genotype|format: )") as caught:
        load_arch(text)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_pipes_are_named_wherever_they_lie(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    os.mkfifo(run / "genotype.json")
    for text in (str(run), str(run / "genotype.json"), str(run / "genotype.json") + ":A"):
        with pytest.raises(ValueError, match=r"genotype\.json: a pipe, not a file"):
            load_arch(text)


def test_a_directory_without_a_genotype(tmp_path):
    with pytest.raises(ValueError) as caught:
        load_arch(str(tmp_path))
    assert str(caught.value) == f"{tmp_path}: a directory without genotype.json, so no finished search"


def test_unreadable_files_are_named(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json: not a genotype"):
        load_arch(str(broken))
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"broken\.json: not a genotype: not UTF-8"):
        load_arch(str(broken))
    (tmp_path / "genotype.json").mkdir()
    with pytest.raises(ValueError, match=r"genotype\.json: cannot be read"):
        load_arch(str(tmp_path))
