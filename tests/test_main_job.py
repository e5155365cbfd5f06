"""The README's first two commands, as they stand there: the main job on the embedded digits."""

import json

import pytest

from nastk import cli


@pytest.mark.slow
def test_search_and_evaluate_with_default_presets_reach_97_percent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["search", "--method", "relativenas", "--plain"]) == 0
    assert cli.run(["evaluate", "--arch", "genotype.json", "--run-dir", "evaluated", "--plain"]) == 0
    summary = json.loads((tmp_path / "evaluated" / "summary.json").read_text())
    assert summary["test_accuracy"] >= 97.0
