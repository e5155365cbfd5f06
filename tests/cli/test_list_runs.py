"""nastk list runs: what is in a directory of runs, whatever their state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def runs(finished_runs, tmp_path) -> Path:
    """A directory of runs that began in this order: an evaluation, a search, stopped, begun, damaged ones."""
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copytree(finished_runs["evaluate"], folder / "z-evaluate")
    shutil.copytree(finished_runs["search"], folder / "y-search")
    for name in ("x-stopped", "w-begun", "v-torn"):
        (folder / name).mkdir()
        shutil.copy(finished_runs["search"] / "config.yaml", folder / name)
    lines = (finished_runs["search"] / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "x-stopped/metrics.jsonl").write_text("".join(lines[:2]) + lines[2][:9])
    (folder / "v-torn/metrics.jsonl").write_text("nonsense\n")
    shutil.copytree(folder / "w-begun", folder / "u-config")
    (folder / "u-config/config.yaml").write_text("method: 3\n")
    shutil.copytree(folder / "y-search", folder / "t-summary")
    (folder / "t-summary/summary.json").write_text("[]")
    (folder / "no-run").mkdir()
    (folder / "file").write_text("")
    for age, name in enumerate(sorted((path.name for path in folder.glob("*-*")), reverse=True)):
        if name != "no-run":
            os.utime(folder / name / "config.yaml", (1e9 + age, 1e9 + age))
    return folder


ORDER = ["z-evaluate", "y-search", "x-stopped", "w-begun", "v-torn", "u-config", "t-summary"]


def test_as_json(runs, nastk):
    """In the order in which they began; what is no run is passed over."""
    code, out, err = nastk("list", "runs", "--json")
    found = {Path(run["path"]).name: run for run in json.loads(out)}
    assert (code, err, list(found)) == (0, "", ORDER)
    assert [run["state"] for run in found.values()] == [
        *("finished", "finished", "stopped", "begun"),
        *("damaged", "damaged", "damaged"),
    ]
    summary = json.loads((runs / "y-search/summary.json").read_text())
    searched = found["y-search"]
    assert (searched["command"], searched["about"], searched["dataset"]) == (
        "search",
        "relativenas",
        "digits",
    )
    assert searched["score"] == summary["score"]["value"] and searched["metric"] == "cross_entropy"
    built = summary["evaluated_network"]
    assert (searched["params"], searched["macs"]) == (built["params"], built["macs"])
    assert searched["accuracy"] == summary["score"]["accuracy"]
    evaluated = found["z-evaluate"]
    assert (evaluated["about"], evaluated["score"]) == ("darts-v2", evaluated["accuracy"])
    stopped = found["x-stopped"]
    assert (stopped["step"], stopped["num_steps"], stopped["score"]) == (2, 3, None)
    assert (stopped["command"], stopped["about"], stopped["dataset"]) == ("search", "relativenas", "digits")
    assert found["v-torn"]["fault"].startswith("metrics.jsonl: the last line: ")
    assert found["u-config"]["fault"] == "config.yaml is not as nastk writes it"
    assert found["t-summary"]["fault"] == "summary.json: no JSON object"


def test_as_a_table(runs, nastk):
    long = runs / "z-evaluate/summary.json"
    content = json.loads(long.read_text())
    long.write_text(json.dumps(content | {"arch": "a" * 70, "dataset": "/somewhere/" + "d" * 60}))
    code, out, err = nastk("list", "runs", "runs")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 1 + 2 * len(ORDER))
    assert max(map(len, lines[:9])) <= 80  # but for what is wrong with a damaged one
    assert lines[0].split() == [
        "command",
        "cell,",
        "method",
        "data",
        "state",
        "score",
        "acc.",
        "%",
        "params",
        "min",
    ]
    assert [line.split(":")[0] for line in lines[2::2]] == [f"  runs/{name}" for name in ORDER]
    assert "aaa\u2026" in lines[1] and "ddd\u2026" in lines[1] and "somewhere" not in lines[1]
    assert lines[5].split()[:5] == ["search", "relativenas", "digits", "stopped", "2/3"]
    assert "begun" in lines[7] and "damaged" in lines[9]


def test_a_running_one(runs, nastk):
    """As long as another process, or this one, holds it."""
    from nastk.run import Run

    run = Run.open(runs / "x-stopped")
    try:
        assert "running 2/3" in nastk("list", "runs").out
    finally:
        run.close()
    assert "stopped 2/3" in nastk("list", "runs").out
    Run.open(runs / "x-stopped").close()  # looking has not taken it


def test_where_there_are_none(nastk, tmp_path, finished_runs):
    assert nastk("list", "runs") == (0, "", "no runs in runs\n")
    assert nastk("list", "runs", "--json").out == "[]\n"
    assert nastk("list", "runs", tmp_path) == (0, "", f"no runs in {tmp_path}\n")
    assert nastk("list", "runs", "no") == (2, "", "Error: no: No such file or directory\n")
    assert nastk("list", "archs", "x") == (2, "", "Error: Got unexpected extra argument (x)\n")
    run = finished_runs["search"]
    assert nastk("list", "runs", run).out.splitlines()[-1] == f"  {run}"  # a run alone


def test_without_torch(runs):
    code = (
        "import sys, nastk.cli\n"
        "assert nastk.cli.run(['list', 'runs']) == 0\n"
        "assert not {'torch', 'torchvision', 'numpy', 'PIL', 'safetensors'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=runs.parent, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
