"""Searches under limits: what is said, what is refused, what is found and written; evaluate builds just that."""

import json
from pathlib import Path

import pytest
from command_lines import SEARCH

from nastk import registry
from nastk.costs.latency import LatencyTable
from nastk.networks.blocks import NetworkSettings
from nastk.workflows.latency import building_blocks, write_table

# The network of evaluate's preset quick: 12 channels, 5 cells, for digits; its least is 32,326 parameters.
LIMITS = ("limits.params=40k", "limits.macs=0.6M")


def test_what_is_found_is_what_evaluate_builds(nastk):
    code, _, err = nastk(*SEARCH, *LIMITS, "--run-dir", "run")
    assert code == 0
    assert (
        "limits: at most 40,000 parameters and at most 600,000 MACs, of a network of 12 channels, 5 cells and "
        "10 classes for images 1x8x8\n"
    ) in err
    rows = json.loads(Path("run/ranking.json").read_text())
    best = rows[0]
    assert best["params"] <= 40_000 and best["macs"] <= 600_000 and "excess" not in best["score"]
    for row in rows:  # only the winner of a pair has to be within
        beyond = max(row["params"] / 40_000 - 1, 0) + max(row["macs"] / 600_000 - 1, 0)
        assert row["score"].get("excess", 0.0) == pytest.approx(beyond)
    front = json.loads(Path("run/pareto.json").read_text())
    assert all({"genotype", "score", "params", "macs"} == row.keys() for row in front)
    assert [row["params"] for row in front] == sorted(row["params"] for row in front)
    picture = Path("run/pareto.svg").read_text()
    assert "parameters" in picture and "limit" in picture and "chosen" in picture
    listed = json.loads(nastk("list", "runs", "run", "--json").out)[0]
    assert (listed["params"], listed["macs"]) == (best["params"], best["macs"])
    assert nastk("report", "run").code == 0
    text = f"Its network (12 channels, 5 cells) has {best['params']:,} parameters and takes {best['macs']:,} MACs"
    assert text in Path("report.html").read_text()
    words = ("train.epochs=1", "data.max_train=40", "data.max_test=20")
    assert nastk("evaluate", "--arch", "genotype.json", *words, "--run-dir", "trained").code == 0
    summary = json.loads(Path("trained/summary.json").read_text())
    assert (summary["params"], summary["macs"]) == (best["params"], best["macs"])


def test_every_search_has_its_costs_and_its_front(nastk):
    assert nastk(*SEARCH, "--run-dir", "run").code == 0
    assert all(
        row["params"] > 0 and row["macs"] > 0 for row in json.loads(Path("run/ranking.json").read_text())
    )
    assert json.loads(Path("run/pareto.json").read_text()) and Path("run/pareto.svg").is_file()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["limits.params=10k"],
            "limits.params: the smallest network of the space has 32,326 parameters, more than 10,000",
        ),
        (
            ["limits.params=lots"],
            "limits.params: expected a number from 1 up, as in 500k, 1.5M or 2G, found 'lots'",
        ),
        (["limits.latency_ms=0"], "limits.latency_ms"),
        (["limits.params=1M", "limits.image_size=10"], "images of 10x10 pixels do not fit"),
        (
            ["limits.latency_ms=1", "limits.latency_table=nothing.json"],
            "nothing.json cannot be read as a latency table",
        ),
        (["limits.latency_table=nothing.json"], "nothing.json cannot be read as a latency table"),
    ],
)
def test_what_is_refused_before_anything_is_trained(nastk, words, error):
    code, out, err = nastk(*SEARCH, *words, "--run-dir", "run")
    assert code == 2 and out == "" and error in err.splitlines()[-1]
    assert not Path("run").exists()


def test_where_there_are_no_networks(nastk, tmp_path, made_up_table):
    code, _, err = nastk(
        *(
            "search",
            "--method",
            "evolution",
            "--space",
            "transnas-micro",
            "--dataset",
            "jigsaw",
            "limits.params=1M",
        ),
        *("search.estimator=table", f"search.table={made_up_table}", "--run-dir", "run"),
    )
    assert code == 2 and err.count("Error") == 1


def table_of(path, milliseconds):
    """A latency table as a phone may have given it: of blocks by their names."""
    settings = NetworkSettings(12, 5, 10, 1, (8, 8))
    blocks = building_blocks(registry.load_space("relativenas"), settings)
    write_table(path, LatencyTable({}, {block.kind: {"ms": milliseconds(block.kind)} for block in blocks}))


def test_latencies_measured_elsewhere(nastk):
    """Where poolings are slow and convolutions cost nothing, what is found has few poolings."""
    table_of(Path("phone.json"), lambda kind: 10.0 if "pool" in kind else 0.25)
    words = [word for word in SEARCH if not word.startswith("space.operations")]
    code, _, err = nastk(
        *words, "limits.latency_ms=45", "limits.latency_table=phone.json", "--run-dir", "run"
    )
    assert code == 0 and "limits: at most 45.0 ms, of a network" in err
    best = json.loads(Path("run/ranking.json").read_text())[0]
    assert best["latency_ms"] <= 45
    cells = best["genotype"]["normal"] * 3 + best["genotype"]["reduce"] * 2
    assert 10.0 * sum("pool" in operation for operation, _ in cells) < 45

    # A run that goes on notices another table.
    stopped = Path("stopped")
    assert (
        nastk(*words, "limits.latency_ms=45", "limits.latency_table=phone.json", "--run-dir", stopped).code
        == 0
    )
    (stopped / "summary.json").unlink()
    table_of(Path("phone.json"), lambda kind: 0.5)
    code, _, err = nastk("search", "--resume", stopped)
    assert code == 2 and "another limits.latency_table" in err.splitlines()[-1]


def test_latencies_are_measured_once_and_kept(nastk, monkeypatch, tmp_path):
    monkeypatch.setenv("NASTK_DATA", str(tmp_path / "kept"))
    monkeypatch.setattr("nastk.costs.latency.SAMPLE_S", 1e-5)
    for number in range(2):
        code, _, err = nastk(*SEARCH, "limits.latency_ms=1000", "--run-dir", f"run{number}")
        assert code == 0 and ("measuring building blocks on this device" in err) == (number == 0)
    (table,) = (tmp_path / "kept" / "latency").iterdir()
    assert f"latency_table: {table}" in Path("run1/config.yaml").read_text()
    assert json.loads(Path("run1/ranking.json").read_text())[0]["latency_ms"] > 0


def test_the_command_writes_a_table(nastk, monkeypatch):
    monkeypatch.setattr("nastk.costs.latency.SAMPLE_S", 1e-5)
    words = ("limits.init_channels=8", "limits.num_cells=3", "limits.image_size=8", "engine.threads=1")
    code, out, err = nastk("latency", "--space", "nasbench201", "--out", "here.json", *words)
    assert code == 0 and err.endswith("latencies: here.json\n")
    table = LatencyTable.read(Path("here.json"))
    assert [line.split("  ")[0] for line in out.splitlines()] == list(table.blocks)
