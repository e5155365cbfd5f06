"""What a run leaves: the same for the same seed, nothing lost, and the test images untouched by a search."""

from __future__ import annotations

import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_lines import EVALUATE, FEWSHOT, PDARTS, SEARCH, SMALL

from nastk import config, genotype
from nastk.engine.progress import Progress
from nastk.networks import weights
from nastk.workflows.records import open_record
from nastk.workflows.result_file import write_result_file
from nastk.workflows.summary import reproduce_command

RESULT = Path("genotype.json")
ONE_STEP = ["search.generations=1", "network.num_cells=2"]
ONE_SPLIT = ["search.groups=[2]", "space.operations=[max_pool_3x3, skip_connect]", "network.num_cells=1"]


def test_same_seed_same_results(nastk, finished_runs, result_of):
    """Whatever the global generators and the directory: all files, byte by byte, but for the seconds."""
    torch.manual_seed(5)
    np.random.seed(5)
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    for command, arguments in (("search", SEARCH), ("evaluate", EVALUATE)):
        assert nastk(*arguments, "--run-dir", command).code == 0
        assert result_of(Path(command)) == result_of(finished_runs[command])


def test_other_seed_other_results(nastk, finished_runs, result_of):
    for command, arguments, files in (
        (
            "search",
            SEARCH,
            ["genotype.json", "ranking.json", "metrics.jsonl", "config.yaml", "cell_normal.svg"],
        ),
        ("evaluate", EVALUATE, ["weights.safetensors", "metrics.jsonl", "config.yaml"]),
    ):
        assert nastk(*arguments, "--seed", 1, "--run-dir", command).code == 0
        found, expected = result_of(Path(command)), result_of(finished_runs[command])
        assert found.keys() == expected.keys()
        for name in files:
            assert found[name] != expected[name], name


def test_files_of_a_search(nastk, finished_runs):
    run = finished_runs["search"]
    assert sorted(os.listdir(run)) == [
        *("cell_normal.svg", "cell_reduce.svg", "checkpoint.pt", "config.yaml", "genotype.json"),
        *("metrics.jsonl", "pareto.json", "pareto.svg", "ranking.json", "result.txt", "summary.json"),
    ]
    summary = json.loads((run / "summary.json").read_text())
    assert list(summary) == [
        *("command", "method", "dataset", "seed", "score", "params", "macs", "network"),
        *("evaluated_network", "searched_network", "remarks", "wall_s", "steps", "device", "versions"),
    ]
    assert (summary["command"], summary["method"], summary["dataset"]) == ("search", "relativenas", "digits")
    assert (summary["seed"], summary["steps"], summary["device"]) == (0, 3, "cpu, 1 thread")
    assert list(summary["score"]) == ["name", "value", "direction", "split", "source", "accuracy", "cost"]
    assert list(summary["versions"]) == ["nastk", "torch", "python"]

    content = json.loads((run / "genotype.json").read_text())
    assert list(content) == ["format", "version", "space", "normal", "reduce", "concat", "provenance"]
    assert (content["format"], content["version"], content["space"]) == ("nastk-genotype", 1, "relativenas")
    assert list(content["provenance"]) == ["method", "dataset", "seed", "score", "nastk", "command"]
    told = content["provenance"]["score"]
    assert told == {key: summary["score"][key] for key in ("name", "value", "direction", "split")}
    assert (run.parent / "genotype.json").read_bytes() == (run / "genotype.json").read_bytes()

    ranking = json.loads((run / "ranking.json").read_text())
    assert len(ranking) == 2
    for row in ranking:
        assert list(row) == ["score", "genotype", "trained_score", "final_score", "params", "macs"]
        for score in (row["score"], row["final_score"]):
            assert list(score) == ["value", "metric", "direction", "split", "source", "accuracy", "cost"]
        assert list(row["genotype"]) == ["normal", "reduce", "concat"]
    fast, slow = ranking  # who was slow has moved since
    assert fast["score"] == fast["trained_score"]
    assert slow["score"] == slow["final_score"] and slow["trained_score"] is None
    assert ranking[0]["genotype"] == {name: content[name] for name in ("normal", "reduce", "concat")}
    assert ranking[0]["score"]["value"] == summary["score"]["value"]

    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(list(row)[:3] == ["step", "phase", "time_s"] for row in rows)
    assert [row["phase"] for row in rows] == ["search"] * 2 + ["select"]
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)


def test_files_of_a_search_in_stages(nastk):
    """Each stage's cell, mask and strengths, each level of refinement, and pictures of all of them."""
    assert nastk(*PDARTS, "--run-dir", "run").code == 0
    run = Path("run")
    found = set(os.listdir(run))
    cells = {
        name.removesuffix(".json")
        for name in found
        if name.startswith(("stage_", "skips_")) and "json" in name
    }
    assert {"stage_1", "stage_2", "stage_3", "skips_0"} <= cells
    pictures = {f"{name}_cell_{kind}.svg" for name in cells for kind in ("normal", "reduce")}
    assert {"stages.svg", "details.json", *pictures} <= found
    stages = json.loads((run / "details.json").read_text())["stages"]
    for number, stage in enumerate(stages, start=1):
        genotype.read(run / f"stage_{number}.json")
        assert {len(row) for row in stage["mask"]} == {5 - number}
        assert len(stage["mask"]) == len(stage["strengths"]) == 2 * 14
    levels = sorted(int(name.removeprefix("skips_")) for name in cells if name.startswith("skips_"))
    assert levels == list(range(len(levels)))
    chosen = genotype.read(run / f"skips_{min(2, levels[-1])}.json")[0]
    assert genotype.read(run / "genotype.json")[0] == chosen


def test_files_of_an_evaluation(finished_runs):
    run = finished_runs["evaluate"]
    assert sorted(os.listdir(run)) == [
        *("cell_normal.svg", "cell_reduce.svg", "checkpoint.pt", "config.yaml", "genotype.json"),
        *("metrics.jsonl", "result.txt", "summary.json", "test.json", "weights.safetensors", "worst.json"),
    ]
    summary = json.loads((run / "summary.json").read_text())
    assert list(summary) == [
        *("command", "dataset", "seed", "arch", "score", "params", "macs", "network", "test_accuracy"),
        *("test_accuracy_best", "wall_s", "steps", "device", "versions"),
    ]
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert summary["test_accuracy"] == rows[-1]["test_accuracy"] == summary["score"]["value"]
    assert summary["test_accuracy_best"] == max(row["test_accuracy"] for row in rows)
    assert (summary["arch"], summary["score"]["split"]) == ("darts-v2", "test")
    test = json.loads((run / "test.json").read_text())
    assert (test["images"], test["accuracy"]) == (30, summary["test_accuracy"])
    assert [row["name"] for row in test["classes"]] == [*map(str, range(10))]
    assert [row["images"] for row in test["classes"]] == [*map(sum, test["confusion"])]
    assert 0 < test["calibration"]["error"] < 100
    assert open_record(run).test == test
    loaded = weights.load(run / "weights.safetensors")
    params = sum(t.numel() for name, t in loaded.tensors.items() if _is_parameter(name, loaded.tensors))
    assert summary["params"] == params


def _is_parameter(name: str, tensors: dict[str, Any]) -> bool:
    return not name.startswith("auxiliary.") and name.rpartition(".")[2] in ("weight", "bias")


def test_configuration_of_a_run(nastk, finished_runs):
    """config.yaml is what `nastk config` prints for the same words, and reads back as itself."""
    text = (finished_runs["search"] / "config.yaml").read_text()
    words = [word for word in SEARCH[1:] if "=" in word]
    assert nastk("config", "search", "--method", "relativenas", *words).out == text
    assert config.to_yaml(config.from_yaml(text)) == text

    text = (finished_runs["evaluate"] / "config.yaml").read_text()
    words = [word for word in EVALUATE[1:] if "=" in word]
    printed = nastk("config", "evaluate", *words).out
    assert printed.replace("arch: genotype\n", "arch: darts-v2\n") == text
    assert config.to_yaml(config.from_yaml(text)) == text


@pytest.mark.parametrize("command", ["search", "evaluate", "transfer"])
def test_printed_configurations_can_be_read(command, nastk):
    text = nastk("config", command).out
    assert config.to_yaml(config.from_yaml(text)) == text


def test_command_of_the_provenance(nastk, finished_runs, result_of):
    """Given to a shell again, it gives the same run."""
    content = json.loads((finished_runs["search"] / "genotype.json").read_text())
    command = shlex.split(content["provenance"]["command"])
    assert command[:4] == ["nastk", "search", "--method", "relativenas"]
    assert nastk(*command[1:], "--run-dir", "again").code == 0
    assert result_of(Path("again")) == result_of(finished_runs["search"])


@pytest.mark.parametrize(
    "word",
    [
        'data.dataset=/a folder/it\'s "here".npz',
        "data.dir=~/x #y",
        "data.dir=null",
        "space.operations=[skip_connect, sep_conv_3x3]",
        "space.operations=null",
        "data.image_size=null",
        "data.flip=true",
        "train.lr=1e-9",
        "train.lr=1e22",
        "data.skip_corrupt=true",
    ],
)
def test_command_that_reproduces_a_configuration(word):
    resolved = config.resolve("search", "relativenas", "quick", [word])
    words = shlex.split(reproduce_command(resolved))
    assert config.resolve("search", words[3], words[5], words[6:]) == resolved


def test_a_value_that_no_word_gives_is_said_once():
    """A configuration written by hand may have a relative path, which a word would make absolute."""
    resolved = config.resolve("search", "relativenas", "quick", [])
    resolved.data.dir = "relative"
    assert reproduce_command(resolved).endswith(" data.dir=relative")


@pytest.mark.parametrize("base", ["darts", "relativenas", "evolution"])
def test_command_that_reproduces_few_shot_search(base):
    """Whose base brings settings and a preset of its own."""
    words = [f"search.base={base}", "train.batch_size=7", "search.groups=[2]"]
    words += {"evolution": ["search.evaluations=77"]}.get(base, [])
    resolved = config.resolve("search", "fewshot", "quick", words)
    words = shlex.split(reproduce_command(resolved))
    assert config.resolve("search", words[3], words[5], words[6:]) == resolved


def test_default_run_directories_of_the_same_second(nastk, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    for _ in range(3):
        assert nastk(*EVALUATE, "train.epochs=1").code == 0
    stem = "evaluate-darts-v2-digits-20260101-000000"
    assert sorted(os.listdir("runs")) == [stem, f"{stem}-2", f"{stem}-3"]


def test_earlier_genotypes_are_kept(nastk):
    Path("genotype.1.json").write_text("first")
    Path("genotype.json").write_bytes(b"\xff second, not even a text")
    assert nastk(*SEARCH, *ONE_STEP, "--run-dir", "a").err.count("kept the earlier genotype.json") == 1
    found = Path("genotype.json").read_bytes()
    assert found == Path("a/genotype.json").read_bytes()
    assert Path("genotype.1.json").read_text() == "first"
    assert Path("genotype.2.json").read_bytes() == b"\xff second, not even a text"

    assert "kept" not in nastk(*SEARCH, *ONE_STEP, "--run-dir", "b").err
    err = nastk(*SEARCH, *ONE_STEP, "--seed", 1, "--run-dir", "c").err
    assert "replaced the earlier genotype.json, which is a/genotype.json" in err
    assert Path("genotype.json").read_bytes() == Path("c/genotype.json").read_bytes()
    assert Path("a/genotype.json").read_bytes() == found
    assert sorted(os.listdir()) == ["a", "b", "c", "genotype.1.json", "genotype.2.json", "genotype.json"]


def test_what_is_no_copy_of_a_runs_genotype_is_kept():
    """A run of other bytes, a directory that is no run, a link to a run's file."""
    for name, text in (("run", "other"), ("no-run", "mine")):
        Path(name).mkdir()
        Path(name, "genotype.json").write_text(text)
    Path("run/config.yaml").write_text("")
    Path("genotype.json").write_text("mine")
    write_result_file(RESULT, "new", Progress(), [Path()])
    assert Path("genotype.1.json").read_text() == "mine"
    Path("genotype.json").unlink()
    Path("genotype.json").symlink_to("run/genotype.json")
    write_result_file(RESULT, "new", Progress(), [Path()])
    assert os.readlink("genotype.2.json") == "run/genotype.json"
    Path("genotype.json").write_text("other")
    write_result_file(RESULT, "newer", Progress(), [Path()])
    assert Path("genotype.json").read_text() == "newer" and not Path("genotype.3.json").exists()


def test_a_result_file_that_is_a_link(tmp_path):
    Path("mine.json").write_text("mine")
    Path("genotype.json").symlink_to("mine.json")
    write_result_file(RESULT, "new", Progress())
    assert (Path("mine.json").read_text(), Path("genotype.json").read_text()) == ("mine", "new")
    assert os.readlink("genotype.1.json") == "mine.json"


@pytest.mark.parametrize("put", [os.symlink, os.link, lambda _, path: os.mkfifo(path)])
def test_what_lies_where_the_result_file_is_prepared(put):
    Path("mine.json").write_text("mine")
    put("mine.json", f".genotype.json.{os.getpid()}.tmp")
    write_result_file(RESULT, "new", Progress())
    assert (Path("mine.json").read_text(), Path("genotype.json").read_text()) == ("mine", "new")
    assert sorted(os.listdir()) == ["genotype.json", "mine.json"]


@pytest.mark.parametrize("with_links", [True, False])
def test_many_runs_that_end_at_the_same_moment(with_links, monkeypatch):
    """Nothing is lost. (A file system without links leaves a gap that cannot be closed.)"""
    if not with_links:

        def refuse(*_: Any) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        for number in range(20):
            write_result_file(RESULT, str(number), Progress())
    else:
        monkeypatch.setattr(os, "getpid", iter(range(10**6)).__next__)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: write_result_file(RESULT, str(n), Progress()), range(40)))
    expected = 40 if with_links else 20
    assert sorted(int(path.read_text()) for path in Path().iterdir()) == list(range(expected))


def test_known_names_are_not_shadowed_by_directories(nastk):
    Path("digits").mkdir()
    assert nastk(*EVALUATE, "train.epochs=1", "--run-dir", "run").code == 0
    assert json.loads(Path("run/summary.json").read_text())["dataset"] == "digits"


def test_a_run_can_be_continued_from_elsewhere(nastk, write_npz, monkeypatch):
    """Relative paths to data are kept as absolute ones."""
    path = write_npz()
    Path("data").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("nastk.engine.checkpoint.save", _interrupt)
        arguments = [*SEARCH, *ONE_STEP, "--preset", "quick", "--run-dir", "run"]
        assert nastk(*arguments, "--dataset", path.name, "--data-dir", "data").code == 130
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert nastk("search", "--resume", "../run").code == 0
    read = config.from_yaml(Path("../run/config.yaml").read_text())
    assert (read.data.dataset, read.data.dir) == (str(path), str(path.parent / "data"))


def _interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_cell_is_evaluated_on_what_it_was_searched_on(nastk, write_npz):
    path = write_npz()
    words = ["--preset", "quick"]
    assert nastk(*SEARCH, *ONE_STEP, *words, "--dataset", path, "--run-dir", "found").code == 0
    short = [*SMALL, *words, "train.epochs=1", "network.num_cells=2"]
    for number, arch in enumerate(
        ["genotype.json", "found", "evaluated-0"]
    ):  # the last: a run of an evaluation
        _, _, err = nastk("evaluate", "--arch", arch, *short, "--run-dir", f"evaluated-{number}")
        assert f"data set: {path} (the cell was searched on it)\n" in err
        summary = json.loads(Path(f"evaluated-{number}/summary.json").read_text())
        assert summary["dataset"] == str(path)
        assert (
            genotype.read(Path(f"evaluated-{number}/genotype.json"))[0]
            == genotype.read(Path("genotype.json"))[0]
        )
    literal = genotype.to_literal(genotype.read(Path("genotype.json"))[0])
    Path("literal.txt").write_text(literal)
    assert "data set: digits (comes with nastk)\n" in nastk("evaluate", "--arch", "literal.txt", *short).err


@pytest.mark.parametrize(
    "arguments",
    [[*SEARCH, *ONE_STEP], [*FEWSHOT, *ONE_SPLIT]],
    ids=["relativenas", "few-shot, choice by training alone"],
)
def test_a_search_never_touches_test_images(nastk, write_npz, monkeypatch, arguments):
    """Neither through the loader, nor does it notice that they are damaged."""
    from nastk.data import search_images, sources

    load = sources.load_images

    def guarded(settings: Any, split: str, like: Any = None) -> Any:
        assert split == "train"
        return load(settings, split, like)

    monkeypatch.setattr(search_images, "load_images", guarded)
    monkeypatch.setattr(sources, "load_images", guarded)
    path = write_npz(x_test=np.array(["broken"]), y_test=np.array([-7.5]))
    without = write_npz("without", x_test=None, y_test=None)
    for name, data in (("damaged", path), ("missing", without)):
        words = ["--dataset", data, "data.test_portion=0", "--run-dir", name]
        assert nastk(*arguments, "--preset", "quick", *words).code == 0
    metrics = [Path(name, "metrics.jsonl").read_text().splitlines() for name in ("damaged", "missing")]
    assert [json.loads(a) | {"time_s": 0} for a in metrics[0]] == [
        json.loads(b) | {"time_s": 0} for b in metrics[1]
    ]


@pytest.fixture
def trained(nastk, write_npz) -> tuple[Path, Path]:
    """Weights of an evaluation on two classes, and the data."""
    path = write_npz()
    arguments = [*EVALUATE, "train.epochs=1", "--preset", "quick", "--run-dir", "trained"]
    assert nastk(*arguments, "--dataset", path).code == 0
    return Path("trained/weights.safetensors"), path


HEADS = ("classifier.", "auxiliary.classifier")
# So small that no weight moves: what is in the result is what was started from.
FROZEN = [*SMALL, "--preset", "quick", "train.lr=1e-30", "train.epochs=1", "train.weight_decay=0"]


def _transfer(nastk: Any, file: Path, data: Path, *words: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    arguments = [
        "transfer",
        "--task",
        "data",
        "--dataset",
        data,
        "--weights",
        file,
        *words,
        "--run-dir",
        "moved",
    ]
    code, _, err = nastk(*arguments)
    assert code == 0, err
    return err, weights.load(file).tensors, weights.load(Path("moved/weights.safetensors")).tensors


def test_weights_with_the_same_classes(nastk, trained):
    err, before, after = _transfer(nastk, *trained, *FROZEN)
    assert "starts afresh" not in err
    assert before.keys() == after.keys()
    for name in before:
        if "running_" not in name and "num_batches" not in name:
            assert torch.equal(before[name], after[name]), name


def test_weights_with_other_classes(nastk, trained, write_npz):
    file, _ = trained
    err, before, after = _transfer(nastk, file, write_npz("three", classes=3), *FROZEN)
    assert f"the classifier of {file} has other classes: it starts afresh\n" in err
    assert after["classifier.linear.weight"].shape[0] == 3
    for name in before:
        if "running_" not in name and "num_batches" not in name and not name.startswith(HEADS):
            assert torch.equal(before[name], after[name]), name


def test_weights_bring_their_network_along(nastk, trained):
    """Its size need not be said again; the cell is theirs, and ./genotype.json is not looked at."""
    Path("genotype.json").write_text("no genotype")
    small = [word for word in FROZEN if not word.startswith("network.")]
    _transfer(nastk, *trained, *small)
    read = config.from_yaml(Path("moved/config.yaml").read_text())
    assert (read.network.init_channels, read.network.num_cells, read.network.auxiliary) == (2, 3, True)


def test_weights_and_another_cell(nastk, trained):
    file, data = trained
    code, _, err = nastk(
        "transfer", "--task", "data", "--dataset", data, "--weights", file, "--arch", "darts-v1"
    )
    assert code == 2
    assert err.splitlines()[-1] == f"Error: {file} holds another cell than --arch darts-v1; leave --arch out"


def test_weights_of_a_transfer_that_was_killed_at_once(nastk, trained, result_of, monkeypatch):
    """Before the first checkpoint: it goes on from the weights, not from scratch."""
    file, data = trained
    arguments = [
        "transfer",
        "--task",
        "data",
        "--dataset",
        data,
        "--weights",
        file,
        *SMALL,
        "--preset",
        "quick",
    ]
    arguments += ["train.epochs=1"]
    assert nastk(*arguments, "--run-dir", "expected").code == 0
    with monkeypatch.context() as patch:
        patch.setattr("nastk.engine.checkpoint.save", _interrupt)
        assert nastk(*arguments, "--run-dir", "killed").code == 130
    assert nastk("transfer", "--resume", "killed").code == 0
    assert result_of(Path("killed")) == result_of(Path("expected"))


def test_transfer_takes_the_genotype_here(nastk, write_npz, finished_runs):
    Path("genotype.json").write_bytes((finished_runs["search"] / "genotype.json").read_bytes())
    arguments = ["transfer", "--task", "data", "--dataset", write_npz(), *FROZEN, "--run-dir", "run"]
    code, out, err = nastk(*arguments)
    assert code == 0
    assert "cell: ./genotype.json\n" in err
    assert out.startswith("test accuracy ")
    assert genotype.read(Path("run/genotype.json"))[0] == genotype.read(Path("genotype.json"))[0]


def test_numbers_that_json_has_not(nastk):
    """A candidate that diverged has no loss: null, since JSON has no NaN."""
    words = ["search.population=4", "train.lr=1e12", "train.grad_clip=1e30"]
    assert nastk(*SEARCH, *ONE_STEP, *words, "--run-dir", "run").code == 2  # all diverge

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    lines = Path("run/metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert any(value is None for row in rows for value in row.values())
