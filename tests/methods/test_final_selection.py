"""The benchmark of the final selection: its table on figures of which the answers are known, and a tiny run."""

import argparse
import math

import final_selection
import numpy as np
import pytest
from final_selection import chosen_by, one_seed, regrets, report


def rows(*losses):
    return [{"loss": loss, "accuracy": None if loss is None else 100 - 10 * loss} for loss in losses]


@pytest.fixture
def seed():
    """Of four, two have moved; the last pair was 2 and 3; alone 0 is the best, then 1, 2, 3."""
    return {
        "moved": [False, True, False, True],
        "pairs": [0, 0, 1, 1],
        "as trained": rows(0.3, 0.1, 0.5, 0.2),
        "final weights": rows(3.0, 2.0, 0.5, 1.0),
        "final epoch": rows(0.3, 0.2, 0.4, None),
        "alone": rows(0.1, 0.2, 0.4, 0.8),
        "epochs": 8.0,
        "seconds": {"search": 50.0, "final weights": 1.0, "final epoch": 25.0},
    }


def test_whom_the_rules_choose(seed):
    assert [chosen_by(rule, seed) for rule in final_selection.RULES] == [2, 0, 1]
    assert chosen_by("as trained", seed | {"final weights": rows(3.0, 0.2, 0.5, 1.0)}) == 0
    np.testing.assert_allclose(regrets(seed), [[0, 0], [0.1, 1], [0.3, 3], [0.7, 7]], atol=1e-9)


def test_the_table(seed, monkeypatch, capsys):
    monkeypatch.setattr(final_selection, "bootstrap_interval", lambda *_, **__: (-1.0, 1.0))
    nobody_moved = seed | {"moved": [False] * 4, "seconds": seed["seconds"] | {"final epoch": 5.0}}
    report([seed, nobody_moved])
    out = capsys.readouterr().out
    cells = {line.split(" | ")[0][2:]: line.split(" | ")[1:] for line in out.splitlines() if line[:2] == "| "}
    any_of_all = [0.275, 0.275]
    for name, one_by_one, points, price in (
        ("final weights", [0.3, 0.3], "3.00 (0.00)", ["2 of 2", "0 of 8", "2.0 |"]),
        ("as trained", [0.0, 0.1], "0.50 (0.71)", ["0 of 2", "0 of 8", "0.0 |"]),
        ("final epoch", [0.1, 0.1], "1.00 (0.00)", ["0 of 2", "4 of 8", "30.0 |"]),
        ("the best that has not moved", [0.0, 0.0], "0.00 (0.00)", None),
        ("any that has not moved", [0.15, 0.275], "2.12 (0.88)", None),
        ("any", any_of_all, "2.75 (0.00)", None),
    ):
        mean, sd = np.mean(one_by_one), np.std(one_by_one, ddof=1)
        assert cells[name][:3] == ["2", f"{mean:.3f} [-1.000, 1.000]", f"{sd:.3f}"]
        assert cells[name][3:5] == [", ".join(f"{one:.3f}" for one in one_by_one), points]
        assert price is None or cells[name][5:] == price
    assert "as trained - final weights: -0.250 [-1.000, 1.000] nats, -2.50 [-1.000, 1.000] points" in out


def test_who_diverged_alone_makes_no_mean(seed):
    assert math.isnan(regrets(seed | {"alone": rows(0.1, None, 0.4, 0.8)})[1, 0])


def test_a_tiny_run_keeps_every_piece(tmp_path):
    words = (
        *("search.population=2", "search.generations=2", "network.init_channels=2", "network.num_cells=2"),
        *("space.operations=[max_pool_3x3,dil_conv_3x3]", "data.max_train=100"),
    )
    options = argparse.Namespace(
        out=tmp_path, dataset="digits", data_dir=None, method="relativenas", overrides=words
    )

    def run_and_list():
        found = one_seed(options, 3)
        return found, {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*")}

    found, written = run_and_list()
    assert {path.name for path in written} == {
        *("search.pt", "final.json", "tuned.json", "alone-0.json", "alone-1.json")
    }
    assert run_and_list() == (found, written)
    fast = found["moved"].index(False)
    assert found["moved"] == [member != fast for member in range(2)] and found["epochs"] == 4
    assert found["as trained"][fast]["role"] == "fast"
    # the only pair was the last: the weights are those that the fast one was scored with
    assert found["final weights"][fast]["loss"] == pytest.approx(found["as trained"][fast]["loss"])
    assert found["final epoch"][fast]["loss"] != found["final weights"][fast]["loss"]
