"""--config FILE: an earlier run's configuration once more, changed by flags and words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nastk.workflows import driving


@pytest.fixture
def stopped(monkeypatch):
    """Commands end where training would begin: their configuration is written."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(driving, "drive", stop)


@pytest.mark.parametrize("command", ["search", "evaluate"])
def test_the_same_run_again(command, finished_runs, nastk, stopped):
    run = finished_runs[command]
    assert nastk(command, "--config", run / "config.yaml", "--run-dir", "again").code == 130
    assert Path("again/config.yaml").read_text() == (run / "config.yaml").read_text()
    if command == "evaluate":
        assert Path("again/genotype.json").read_bytes() == (run / "genotype.json").read_bytes()


def test_the_result_is_the_same(finished_runs, nastk, result_of):
    run = finished_runs["search"]
    code, _, err = nastk("search", "--config", run / "config.yaml", "--run-dir", "again")
    assert code == 0 and "data set:" not in err and "preset:" not in err
    again, once = result_of(Path("again")), result_of(run)
    assert {name for name in once if again[name] != once[name]} == set()


def test_flags_and_words_have_the_last_word(finished_runs, nastk, stopped, write_npz):
    write_npz(per_class=40)
    file = finished_runs["search"] / "config.yaml"
    words = ["--seed", 7, "--dataset", "set.npz", "search.generations=5", "--method", "relativenas"]
    assert nastk("search", "--config", file, *words, "--run-dir", "again").code == 130
    old, new = (path.read_text().splitlines() for path in (file, Path("again/config.yaml")))
    values = [tuple(line.partition("#")[0].split() for line in pair) for pair in zip(old, new, strict=True)]
    changed = {before[0].rstrip(":") for before, after in values if before != after}
    assert changed == {"seed", "dataset", "generations"}


def test_another_cell(finished_runs, nastk, stopped):
    file = finished_runs["evaluate"] / "config.yaml"
    assert nastk("evaluate", "--config", file, "--arch", "darts-v1", "--run-dir", "again").code == 130
    assert Path("again/config.yaml").read_text().splitlines()[1] == "arch: darts-v1"
    assert json.loads(Path("again/genotype.json").read_text())["provenance"]["arch"] == "darts-v1"


def test_a_transfer_begins_with_its_weights_again(finished_runs, nastk, stopped):
    weights = finished_runs["evaluate"] / "weights.safetensors"
    words = ["--task", "data", "--dataset", "digits", "--weights", weights, "engine.device=cpu"]
    assert nastk("transfer", *words, "--run-dir", "once").code == 130
    assert nastk("transfer", "--config", "once/config.yaml", "--run-dir", "again").code == 130
    for name in ("config.yaml", "genotype.json"):
        assert Path("again", name).read_bytes() == Path("once", name).read_bytes()
    assert json.loads(Path("again/genotype.json").read_text())["provenance"]["weights"] == str(weights)


def test_what_cannot_be_run_again(finished_runs, nastk, tmp_path):
    file = finished_runs["search"] / "config.yaml"
    alone = Path(shutil.copy(finished_runs["evaluate"] / "config.yaml", tmp_path / "alone.yaml"))
    alone.write_text(alone.read_text().replace("arch: darts-v2", "arch: mine"))
    (tmp_path / "text.yaml").write_text("command: 3")
    for words, message in (
        (["evaluate", "--config", file], f"--config: {file} is of nastk search, not of evaluate"),
        (
            ["search", "--config", file, "--method", "random"],
            f"--config: {file} is of relativenas, not of random",
        ),
        (["search", "--config", file, "--preset", "small"], f"--preset: {file} has all values"),
        (["search", "--config", file, "search.generation=3"], "unknown key 'search.generation'"),
        (["search", "--config", "no.yaml"], "no.yaml: No such file or directory"),
        (["search", "--config", "text.yaml"], "text.yaml: not a nastk configuration"),
        (
            ["search", "--resume", "run", "--config", file],
            "--resume continues a run with its own configuration",
        ),
        (["evaluate", "--config", "alone.yaml"], "--config: there is no genotype.json beside alone.yaml"),
    ):
        code, out, err = nastk(*words)
        assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith(f"Error: {message}"), err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.yaml", "text.yaml"]
