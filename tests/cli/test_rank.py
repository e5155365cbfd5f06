"""nastk rank: columns of a table, a run against a column, a run against training its candidates alone."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_lines import SMALL

from nastk.ranking import Ranking, agreement
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.tables.table import Table

KEYS = [
    "n",
    "left_out",
    "kendall_tau_b",
    "spearman",
    "top_k_regret",
    "interval",
    "scores",
    "truth",
    "dataset",
]
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
ON_NB201 = [
    *("search", "--method", "relativenas", "--space", "nasbench201", *SMALL, "network.num_cells=3"),
    *("search.population=4", "search.generations=1"),
]


@pytest.fixture(scope="session")
def whole_table(tmp_path_factory) -> Path:
    """All of NAS-Bench-201's strings with made-up values: truth and scores agree on CIFAR-10, and not on CIFAR-100."""
    cells = [NASBENCH201.genotype(tuple(map(int, np.base_repr(n, 5).zfill(6)))).body for n in range(5**6)]
    truth = np.stack([np.arange(5.0**6)] * 3, axis=1)
    validation = truth * [1, -1, 1]
    path = tmp_path_factory.mktemp("whole") / "table.npz"
    np.savez(
        path,
        arch_str=np.array(cells),
        datasets=np.array(DATASETS),
        test_acc_200=truth,
        val_acc_12=validation,
        test_acc_12=np.where(truth < 4, np.nan, truth),
    )
    return path


@pytest.fixture
def table(whole_table, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copy(whole_table, tmp_path / "table.npz"))


@pytest.fixture
def searched(nastk) -> Path:
    """A finished search in the space of the table, on digits."""
    assert nastk(*ON_NB201, "--run-dir", "run").code == 0
    return Path("run")


def test_two_columns(nastk, table, monkeypatch):
    monkeypatch.setattr("nastk.ranking.DRAWS", 20)
    words = [f"{table}:val_acc_12", f"{table}:test_acc_200"]
    code, out, err = nastk("rank", *words, "--json")
    assert code == 0
    assert err == "data set: cifar10 (--dataset chooses another of cifar10, cifar100, ImageNet16-120)\n"
    found = json.loads(out)
    assert list(found) == KEYS
    assert (found["n"], found["kendall_tau_b"], found["dataset"]) == (5**6, 1, "cifar10")
    assert found["spearman"] == pytest.approx(1)
    assert found["top_k_regret"] == {"1": 0, "10": 0}
    assert [found["scores"], found["truth"]] == words
    interval = found["interval"]
    assert (interval["level"], interval["draws"], interval["over"]) == (0.95, 20, "architectures")
    assert interval["kendall_tau_b"] == [1, 1] and interval["spearman"] == pytest.approx([1, 1])

    code, out, err = nastk("rank", *words, "--json", "--dataset", "cifar100")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["kendall_tau_b"], found["dataset"]) == (-1, "cifar100")
    assert found["top_k_regret"] == {"1": 5**6 - 1, "10": 5**6 - 10}

    code, out, err = nastk("rank", *words)
    assert (code, len(out.splitlines())) == (0, 7)
    assert out.startswith(
        "15,625 architectures of nasbench201, cifar10\n"
        "scores         accuracy (validation), higher is better\n"
        "truth          accuracy (test), higher is better\n"
        "Kendall tau-b  1.0000  (95%: 1.0000 to 1.0000)\n"
    )


def test_a_table_of_both_sides_is_read_once(nastk, table, monkeypatch):
    monkeypatch.setattr("nastk.ranking.DRAWS", 2)
    archs, read = Table._read_archs, []
    monkeypatch.setattr(
        Table, "_read_archs", lambda self, *rest: read.append(self.path) or archs(self, *rest)
    )
    assert nastk("rank", f"{table}:val_acc_12", f"{table}:test_acc_200").code == 0
    assert read == [table]


def test_several_seeds(nastk, table, monkeypatch):
    """Columns of two tables in place of runs: one agrees with the truth on CIFAR-100, the other does not."""
    monkeypatch.setattr("nastk.ranking.DRAWS", 20)
    other = table.with_name("other.npz")
    with np.load(table) as columns:
        np.savez(other, **{**columns, "test_acc_200": columns["val_acc_12"]})
    words = [
        f"{table}:test_acc_200",
        f"{other}:test_acc_200",
        f"{table}:test_acc_200",
        "--dataset",
        "cifar100",
    ]
    found = json.loads(nastk("rank", *words, "--json").out)
    assert list(found) == [*KEYS[:6], "seeds", *KEYS[6:]]
    assert (found["n"], found["kendall_tau_b"], found["spearman"]) == (5**6, 0, pytest.approx(0, abs=1e-9))
    assert (found["scores"], found["truth"]) == (words[:2], words[2])
    assert [one["kendall_tau_b"] for one in found["seeds"]] == [1, -1]
    assert [one["scores"] for one in found["seeds"]] == words[:2]
    assert found["top_k_regret"]["1"] == (5**6 - 1) / 2
    interval = found["interval"]
    assert interval["over"] == "seeds and architectures"
    assert interval["kendall_tau_b"][0] < -0.4 and interval["kendall_tau_b"][1] > 0.4
    out = nastk("rank", *words).out
    assert "scores         accuracy (test), higher is better; the mean of 2 seeds\n" in out
    assert ")  one by one: 1.0000, -1.0000\n" in out


def test_seeds_with_architectures_of_their_own(make_ranking):
    """Each is held against the truth where it has scores; those of all are drawn together."""
    truth = make_ranking({name: place for place, name in enumerate("abcdefgh")})
    first = make_ranking({name: place for place, name in enumerate("abcd")})
    second = make_ranking({name: place for place, name in enumerate("hgfex")})
    found = agreement([first, second], truth)
    assert (found["n"], found["left_out"], found["kendall_tau_b"]) == (8, 0, 0)
    assert [(one["n"], one["kendall_tau_b"]) for one in found["seeds"]] == [(4, 1), (4, -1)]
    assert found["top_k_regret"] == {"1": 1.5, "10": 0}
    assert agreement([first], truth)["n"] == 4 and "seeds" not in agreement([first], truth)
    with pytest.raises(ValueError, match=r"two architectures or more .*; found 1$"):
        agreement([first, make_ranking({"a": 1, "x": 2})], truth)


@pytest.fixture
def make_ranking():
    def make(values):
        return Ranking("space", "data", "accuracy", "max", "validation", values)

    return make


def test_architectures_without_a_truth(nastk, table, monkeypatch):
    """They are left out of the truth, and rank last in the scores."""
    monkeypatch.setattr("nastk.ranking.DRAWS", 2)
    code, out, err = nastk(
        "rank", f"{table}:val_acc_12", f"{table}:test_acc_12", "--dataset", "cifar10", "--json"
    )
    assert (code, err) == (0, "left out: 4 architectures without a finite truth\n")
    assert (json.loads(out)["n"], json.loads(out)["left_out"]) == (5**6 - 4, 4)
    found = json.loads(nastk("rank", f"{table}:test_acc_12", f"{table}:val_acc_12", "--json").out)
    assert (found["n"], found["left_out"]) == (5**6, 0)
    assert 0.999 < found["kendall_tau_b"] < 1  # six pairs tie


def test_two_columns_need_no_torch(table):
    words = ["rank", f"{table}:val_acc_12", f"{table}:test_acc_200", "--json"]
    code = (
        "import sys, nastk.cli, nastk.ranking\n"
        "nastk.ranking.DRAWS = 2\n"
        f"code = nastk.cli.run({words!r})\n"
        "sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("scores", "tau", "rho"),
    [
        ("supernet_oneshot_acc", 0.4841, 0.676),
        ("supernet_fewshot_acc", 0.5504, 0.741),
        ("val_acc_12", 0.5943, 0.7718),
        ("val_acc_12 of cifar100", 0.6446, 0.8248),
        ("val_acc_12 of ImageNet16-120", 0.6428, 0.8183),
    ],
)
def test_the_table_s_figures(nastk, shared_data, scores, tau, rho, monkeypatch):
    scores, _, dataset = scores.partition(" of ")
    monkeypatch.setattr("nastk.ranking.DRAWS", 50)
    path = shared_data / "nasbench201.npz"
    out = nastk(
        "rank", f"{path}:{scores}", f"{path}:test_acc_200", "--dataset", dataset or "cifar10", "--json"
    ).out
    found = json.loads(out)
    assert found["n"] == 15_625
    assert found["kendall_tau_b"] == pytest.approx(tau, abs=5e-5)
    assert found["spearman"] == pytest.approx(rho, abs=5e-4)
    for name in ("kendall_tau_b", "spearman"):
        low, high = found["interval"][name]
        assert low < found[name] < high and high - low < 0.03


def test_a_run_against_a_column(nastk, table, searched):
    """A cross-entropy is better when it is lower: agreeing is positive."""
    code, out, err = nastk("rank", searched, f"{table}:test_acc_200", "--json")
    assert code == 2
    assert err.startswith(f"Error: {table}: unknown data set of test_acc_200 'digits'; ")
    rows = json.loads((searched / "ranking.json").read_text())
    places = {row["genotype"]["arch"]: row["score"]["value"] for row in rows}
    order = sorted(places, key=places.__getitem__)
    with np.load(table) as file:
        arrays = dict(file)
    rank_of = {arch: -float(place) for place, arch in enumerate(order)}
    arrays["test_acc_200"] = np.array([[rank_of.get(arch, -99.0)] * 3 for arch in arrays["arch_str"]])
    np.savez(table, **arrays)
    code, out, err = nastk("rank", searched, f"{table}:test_acc_200", "--dataset", "cifar10", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["n"], found["kendall_tau_b"], found["dataset"]) == (len(order), 1, "cifar10")
    assert found["top_k_regret"] == {"1": 0, "10": 0}
    assert (found["scores"], found["truth"]) == (str(searched), f"{table}:test_acc_200")


def test_a_run_against_training_alone(nastk, searched, monkeypatch):
    from nastk.data import search_images, sources
    from nastk.workflows import training_alone

    load, train = sources.load_images, training_alone.train_on_halves
    trained = []

    def guarded(settings, split, like=None):
        assert split == "train"
        return load(settings, split, like)

    def counted(genotype, images, *rest, **named):
        assert (images.train.num_images, images.validation.num_images) == (20, 20)
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append(genotype.body)
        return train(genotype, images, *rest, **named)

    rows = json.loads((searched / "ranking.json").read_text())
    monkeypatch.setattr(search_images, "load_images", guarded)
    with monkeypatch.context() as patch:
        patch.setattr(training_alone, "train_on_halves", counted)
        assert nastk("rank", searched, searched).code == 130
    assert len(json.loads((searched / "standalone.json").read_text())) == 2
    code, out, err = nastk("rank", searched, searched, "--json")
    assert code == 0 and "to train alone: 2 architectures, 1 epoch each\n" in err
    kept = json.loads((searched / "standalone.json").read_text())
    assert [row["genotype"] for row in kept] == [row["genotype"] for row in rows]
    assert trained == [row["genotype"]["arch"] for row in rows[:2]]
    assert {row["score"]["split"] for row in kept} == {"validation"}
    assert {row["score"]["source"] for row in kept} == {"training alone"}
    found = json.loads(out)
    assert (found["n"], found["dataset"]) == (4, "digits")
    assert -1 <= found["kendall_tau_b"] <= 1

    # resumed or not, and in whichever order, each starts from the same seed
    (searched / "standalone.json").unlink()
    (searched / "ranking.json").write_text(json.dumps(rows[::-1]))
    again = json.loads(nastk("rank", searched, searched, "--json").out)
    assert json.loads((searched / "standalone.json").read_text()) == kept[::-1]
    assert again["kendall_tau_b"] == found["kendall_tau_b"]
    assert nastk("rank", searched, searched, "--json").err == ""


def test_candidates_that_diverged(nastk, searched):
    """null stands for what is not finite: last in the scores, left out of the truth."""
    rows = json.loads((searched / "ranking.json").read_text())
    for place, row in enumerate(rows):
        row["score"]["value"] = place
    (searched / "standalone.json").write_text(json.dumps(rows))
    rows[0]["score"]["value"] = None
    (searched / "ranking.json").write_text(json.dumps(rows))
    found = json.loads(nastk("rank", searched, searched, "--json").out)
    assert (found["n"], found["kendall_tau_b"]) == (4, 0)  # 3 pairs agree, 3 do not
    (searched / "standalone.json").write_text(json.dumps(rows))
    _, out, err = nastk("rank", searched, searched, "--json")
    assert (json.loads(out)["n"], json.loads(out)["kendall_tau_b"]) == (3, 1)
    assert err == "left out: 1 architecture without a finite truth\n"


def test_errors(nastk, table, searched, finished_runs, shared_data, write_npz, monkeypatch):
    monkeypatch.setattr("nastk.ranking.DRAWS", 20)
    column = f"{table}:val_acc_12"

    def refused(*words):
        code, out, err = nastk("rank", *words)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith("Error: ")
        return err.splitlines()[-1].removeprefix("Error: ")

    assert refused("x", column) == "x: no run directory, and not of the form TABLE.npz:COLUMN"
    assert refused("x" * 300, column).endswith(": no run directory, and not of the form TABLE.npz:COLUMN")
    assert refused("x.npz:y", column) == "x.npz: no such file or directory"
    assert refused(table, column) == (
        f"{table}: name a column of it as {table}:COLUMN; known: val_acc_12, test_acc_12, test_acc_200"
    )
    assert "unknown column 'val_acc'; did you mean 'val_acc_12'?" in refused(f"{table}:val_acc", column)
    assert "unknown data set of val_acc_12 'cifar'" in refused(column, column, "--dataset", "cifar")
    assert "not a table that nastk knows" in refused(f"{write_npz()}:val_acc_12", column)
    assert refused(column, column, column) == (
        f"{column} is given twice; several SCORES are those of several seeds"
    )
    assert refused(column, f"{table}:test_acc_12", column) == (
        f"{table}:test_acc_12 is accuracy (test) of nasbench201, cifar10, {column} is accuracy (validation) "
        "of nasbench201, cifar10: no seeds of one another"
    )
    transnas = f"{shared_data / 'transnas101.npz'}:"
    assert refused(f"{transnas}micro_val", f"{transnas}macro_val") == (
        "the scores are of space transnas-micro, the truth is of transnas-macro"
    )
    Path("empty").mkdir()
    assert refused("empty", column) == "empty is no run directory (it has no config.yaml that can be read)"
    run = finished_runs["evaluate"]
    assert refused(run, run) == f"{run} is a run of nastk evaluate; only a search ranks architectures"
    run = finished_runs["search"]
    assert refused(run, column, "--dataset", "cifar10") == (
        "the scores are of space relativenas, the truth is of nasbench201"
    )
    # said before anything is trained
    assert refused(run, searched) == "the scores are of space relativenas, the truth is of nasbench201"
    assert not (searched / "standalone.json").exists()
    assert refused(searched, searched, "--dataset", "cifar10").startswith(
        "--dataset: says which of a table's"
    )
    assert (
        nastk("rank", *2 * [f"{shared_data / 'nasbench201.npz'}:supernet_oneshot_acc"]).err
        == "data set: cifar10\n"
    )
    rows = json.loads((searched / "ranking.json").read_text())
    for content in (
        "",
        "{}",
        "[]",
        "[1]",
        '[{"score": {}}]',
        json.dumps([{"score": rows[0]["score"], "genotype": {}}]),
    ):
        (searched / "ranking.json").write_text(content)
        message = refused(searched, column, "--dataset", "cifar10")
        assert message.startswith(f"{searched / 'ranking.json'}: not the scores of a search: ")
    (searched / "ranking.json").write_text(json.dumps(rows[:1]))
    assert refused(searched, column, "--dataset", "cifar10") == (
        "a ranking needs two architectures or more with both a score and a finite truth; found 1"
    )
    (searched / "ranking.json").chmod(0)
    if not os.access(searched / "ranking.json", os.R_OK):  # root may read all
        assert refused(searched, column) == f"{searched / 'ranking.json'}: cannot be read: Permission denied"
    (searched / "ranking.json").unlink()
    assert refused(searched, column) == "run is not finished: nastk search --resume run"
    (searched / "config.yaml").write_text("x")
    assert refused(searched, column).startswith(f"{searched / 'config.yaml'}: not a nastk configuration")


def test_as_long_as_a_candidate_of_the_search(make_context):
    from nastk.methods.darts import DARTS
    from nastk.methods.relativenas import RelativeNAS

    config = make_context("relativenas", "search.generations=7", "train.epochs=3").config
    assert RelativeNAS.epochs_of_a_candidate(config) == 21
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, epochs=5))
    assert DARTS.epochs_of_a_candidate(config) == 5
