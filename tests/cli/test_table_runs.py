"""Searches over a table on the command line: no images, test figures beside, exact to resume, errors in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nastk.cli.progress import TerminalProgress
from nastk.tables.table import Table

METHODS = {
    "relativenas": ["search.population=4", "search.generations=3"],
    "random": ["search.population=4", "search.generations=3"],
    "evolution": ["search.population=4", "search.sample_size=2", "search.evaluations=12"],
}
COMMON = ["--preset", "quick", "engine.threads=1", "engine.device=cpu"]


def words(method, table, *more, space="nasbench201", dataset="cifar10"):
    return [
        *("search", "--method", method, "--space", space, "--dataset", dataset, *COMMON, *METHODS[method]),
        *("search.estimator=table", f"search.table={table}", *more),
    ]


@pytest.fixture(autouse=True)
def without_images(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a table needs no images")

    monkeypatch.setattr("nastk.data.search_images.load_images", refuse)
    monkeypatch.setattr("nastk.workflows.training.load_training_images", refuse)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_over_a_table(nastk, method, made_up_table):
    code, out, err = nastk(*words(method, made_up_table), "--run-dir", "run")
    assert code == 0, err
    assert f"scores from {made_up_table}: val_acc_12 of cifar10 (validation), which needs no images\n" in err
    assert err.endswith("next: nastk evaluate --arch genotype.json\n")
    table = Table(made_up_table)
    validation, test = table.column("val_acc_12", "cifar10"), table.column("test_acc_200", "cifar10")
    arch = json.loads(Path("genotype.json").read_text())["arch"]
    row = validation.rows[arch]
    details = json.loads(Path("run/details.json").read_text())
    lines, value = out.splitlines(), test.values[row]
    assert details["test"] == {"column": "test_acc_200", "metric": "accuracy", "value": value}
    assert lines[-2].startswith(f"validation accuracy {validation.values[row]:.4f}, ")
    assert lines[-1] == (
        f"{details['queries']} architectures looked up in table.npz; test_acc_200 {value:.4f} (chose nothing)"
    )
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["queries"] == details["queries"] <= 12
    ranking = json.loads(Path("run/ranking.json").read_text())
    values = [entry["score"]["value"] for entry in ranking]
    assert len(ranking) == details["queries"] and values == sorted(values, reverse=True)
    assert ranking[0]["genotype"]["arch"] == arch
    summary = json.loads(Path("run/summary.json").read_text())
    score = {"name": "accuracy", "value": validation.values[row], "direction": "max", "split": "validation"}
    assert summary["score"].items() >= score.items()
    shown = json.loads(nastk("show", "run", "--json").out)
    assert (summary["params"], summary["macs"]) == (shown["params"], shown["macs"])


def test_other_data_sets_are_other_columns(nastk, made_up_table):
    """On CIFAR-100 the made-up table is the other way round; each has its own number of classes."""
    found = {}
    for dataset in ("cifar10", "cifar100", "ImageNet16-120"):
        line = words("random", made_up_table, dataset=dataset)
        assert nastk(*line, "--run-dir", dataset).code == 0
        found[dataset] = json.loads(Path(dataset, "summary.json").read_text())
    assert found["cifar100"]["score"]["value"] < 0 < found["cifar10"]["score"]["value"]
    assert found["ImageNet16-120"]["score"]["value"] == found["cifar10"]["score"]["value"] / 2
    assert found["ImageNet16-120"]["params"] == found["cifar10"]["params"] + 110 * 65


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sitting", [2, 3])
def test_a_search_over_a_table_is_resumed_exactly(
    nastk, method, sitting, made_up_table, result_of, monkeypatch
):
    line = words(method, made_up_table, "run.checkpoint_seconds=0")  # every step is saved
    assert nastk(*line, "--run-dir", "expected").code == 0
    calls = 0

    def interrupt(*_, **__):
        nonlocal calls
        calls += 1
        if calls % sitting == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", interrupt)
        line = [*line, "--run-dir", "run"]
        while nastk(*line).code == 130:
            line = ["search", "--resume", "run"]
    assert result_of(Path("run")) == result_of(Path("expected"))


def test_a_run_can_be_continued_from_elsewhere(nastk, made_up_table, monkeypatch):
    Path("table.npz").symlink_to(made_up_table)
    with monkeypatch.context() as patch:
        patch.setattr(TerminalProgress, "update", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert nastk(*words("random", "table.npz"), "--run-dir", "run").code == 130
    os.mkdir("elsewhere")
    monkeypatch.chdir("elsewhere")
    assert nastk("search", "--resume", "../run").code == 0


def test_an_oracle_run_is_said_to_be_one(nastk, made_up_table):
    code, out, err = nastk(*words("random", made_up_table, "search.column=test_acc_200"), "--run-dir", "run")
    assert code == 0
    assert err.count("an oracle run") == 1
    assert "\ntest accuracy " in out and "validation" not in out
    assert out.endswith(" (chose: an oracle run)\n") and "chose nothing" not in out


def test_the_test_column_chooses_nothing(nastk, made_up_table, tmp_path):
    """Whatever stands in it, a search and its result are the same."""
    with np.load(made_up_table) as file:
        arrays = dict(file)
    results = []
    for name in ("a", "b"):
        os.mkdir(name)
        np.savez(tmp_path / name / "table.npz", **arrays)
        assert nastk(*words("evolution", f"{name}/table.npz"), "--run-dir", f"run-{name}").code == 0
        results.append(json.loads(Path(f"run-{name}/ranking.json").read_text()))
        arrays["test_acc_200"] = -arrays["test_acc_200"]
    assert results[0] == results[1]


def test_rank_of_a_search_over_a_table(nastk, made_up_table):
    assert nastk(*words("random", made_up_table), "--run-dir", "run").code == 0
    found = json.loads(nastk("rank", "run", f"{made_up_table}:val_acc_12", "--json").out)
    assert (found["kendall_tau_b"], found["dataset"]) == (1, "cifar10")


@pytest.mark.parametrize(
    ("line", "fragments"),
    [
        (["search.table=null"], ["search.table: the table is missing: search.table=FILE.npz"]),
        (["search.table=nothing.npz"], ["nothing.npz: no such file or directory"]),
        (["search.column=val_acc"], ["unknown column 'val_acc'; did you mean 'val_acc_12'?"]),
        (
            ["search.estimator=tables"],
            ["search.estimator: expected one of shared-weights, table, found 'tables'"],
        ),
        (
            ["search.estimator=shared-weights"],
            ["search.table: is for search.estimator=table, not shared-weights"],
        ),
        (["--dataset", "cifar"], ["unknown data set of val_acc_12 'cifar'; did you mean 'cifar10'? known: "]),
        (["--space", "darts"], ["NAS-Bench-201 is a table of space nasbench201, not of darts"]),
        (["--space", "transnas-micro"], ["is a table of space nasbench201, not of transnas-micro"]),
    ],
)
def test_errors(nastk, made_up_table, line, fragments):
    code, out, err = nastk(*words("random", made_up_table), *line, "--run-dir", "run")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("Error: ")
    assert all(fragment in err.splitlines()[-1] for fragment in fragments), err
    assert not os.path.exists("run")


@pytest.mark.parametrize(("space", "prefix"), [("transnas-micro", "64-41414-"), ("transnas-macro", "64-")])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["room_layout", "class_scene"])
def test_spaces_known_by_tables_only(nastk, method, space, prefix, task, shared_data):
    path = shared_data / "transnas101.npz"
    code, out, err = nastk(*words(method, path, space=space, dataset=task), "--run-dir", "run")
    assert code == 0, err
    assert "next: " not in err
    column = Table(path).column(f"{space.removeprefix('transnas-')}_val", task)
    ranking = json.loads(Path("run/ranking.json").read_text())
    asked = [column.values[column.rows[row["genotype"]["arch"]]] for row in ranking]
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["score"]["value"] == max(asked) == asked[0]
    assert (summary["score"]["direction"], summary["params"], summary["macs"]) == ("max", None, None)
    assert f" {prefix}" in out.splitlines()[0] and f"validation {column.quantity.metric} " in out
    _, out, _ = nastk("show", "run")
    assert out.endswith(f"nastk has no network of space '{space}', only tables know it\n")
    shown = json.loads(nastk("show", "run", "--json").out)
    assert (shown["arch"], shown["params"], shown["macs"]) == (ranking[0]["genotype"]["arch"], None, None)
    drawn = nastk("show", "run", "--svg", "cell.svg")
    assert drawn.code == (0 if space == "transnas-micro" else 2), drawn.err
    for line in (["evaluate", "--arch", "run"], ["rank", "run", "run"]):
        code, _, err = nastk(*line)
        assert code == 2
        assert err.splitlines()[-1].startswith(f"Error: nastk has no network of space '{space}'")


@pytest.mark.parametrize(
    "method", ["relativenas", "random", "evolution", "darts", "pdarts", "snas", "rsps", "fewshot"]
)
def test_methods_that_would_train_say_that_there_is_no_network(nastk, method):
    for space in ("transnas-micro", "transnas-macro"):
        line = ["search", "--method", method, "--space", space, "--dataset", "class_scene", *COMMON]
        code, out, err = nastk(*line, "--run-dir", "run")
        assert (code, out, err.count("\n")) == (2, "", 1)
        expected = (f"Error: nastk has no network of space '{space}'", f"Error: method {method}")
        assert err.startswith(expected)


def test_few_shot_search_over_a_table(nastk, made_up_table):
    """Leaves and choice without any training; what the base has to say of its scores is said."""
    line = ["search", "--method", "fewshot", "--space", "nasbench201", "--dataset", "cifar10", *COMMON]
    line += ["search.base=evolution", *METHODS["evolution"], "search.split=random", "search.leaf_share=1.0"]
    line += ["search.estimator=table", f"search.table={made_up_table}", "search.column=test_acc_200"]
    code, _, err = nastk(*line, "--run-dir", "run")
    assert (code, err.count("an oracle run")) == (0, 1)
    column = Table(made_up_table).column("test_acc_200", "cifar10")
    ranking = json.loads(Path("run/ranking.json").read_text())
    values = [column.values[column.rows[row["genotype"]["arch"]]] for row in ranking]
    assert len(ranking) > 4 and values == sorted(values, reverse=True)
    assert json.loads(Path("run/summary.json").read_text())["score"]["value"] == values[0]
