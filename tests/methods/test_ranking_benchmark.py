"""The ranking benchmark's tables on made-up losses, of which the answers are known, and one tiny run."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import ranking
import ranking_report
from ranking_network import SPACE, alone
from ranking_report import leaves_of, report, tau_within

from nastk import registry
from nastk.spaces.nasbench201 import NASBENCH201
from nastk.splitting.tree import Split, SplitTree


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(ranking_report.stats, "bootstrap_interval", lambda *_, **__: (-1.0, 1.0))


@pytest.fixture(scope="module")
def genotypes():
    return ranking.architectures(40)


@pytest.fixture
def tree():
    """Edge 2 of NAS-Bench-201 in two groups, then edge 0 of the first half operation by operation."""
    tree = SplitTree(NASBENCH201.full_mask())
    first, _ = tree.split(0, Split(2, (0, 1, 2, 3, 4), ((2, 3), (0, 1, 4))))
    tree.split(first, Split(0, (0, 1, 2, 3, 4), ((0,), (1,), (2,), (3,), (4,))))
    return tree.to_json(NASBENCH201.decisions)


def test_every_architecture_is_in_one_leaf(tree, genotypes):
    leaves = leaves_of(tree, genotypes)
    for genotype, leaf in zip(genotypes, leaves, strict=True):
        operation = dict(NASBENCH201.path(genotype))
        assert leaf == (2 if operation[2] in (0, 1, 4) else 3 + operation[0])


def test_tau_within_leaves_does_not_see_their_order(tree, genotypes):
    leaves, truth = leaves_of(tree, genotypes), np.arange(len(genotypes), dtype=float)
    shifted = truth - 1000.0 * leaves
    assert tau_within(shifted, truth, leaves) == 1
    assert ranking_report.stats.kendall_tau_b(shifted, truth) < 0.5
    assert tau_within(-truth, truth, leaves) == -1
    alone = np.arange(len(genotypes))
    assert np.isnan(tau_within(truth, truth, alone))


@pytest.fixture
def results(tree, genotypes):
    """Every arm knows the truth, but one that has two neighbours the wrong way round."""
    truth = np.linspace(1, 2, len(genotypes))
    one = {"losses": truth.tolist(), "tree": tree, "epochs": 7, "seconds": 60}
    found = {name: [one, one] for name in ranking.ARMS}
    swapped = truth.tolist()
    swapped[0], swapped[1] = swapped[1], swapped[0]
    found["random"] = [one | {"losses": swapped}, one]
    return found, np.stack([truth, truth]), 100 - 10 * np.stack([truth, truth])


def test_the_table(results, genotypes, capsys):
    found, loss, accuracy = results
    report("title", genotypes, loss, accuracy, found)
    out = capsys.readouterr().out
    rows = {line.split(" | ")[0][2:]: line.split(" | ") for line in out.splitlines() if line.startswith("| ")}
    assert set(rows) == {"arm", *ranking.ARMS}
    assert rows["gm"][1:] == ["1.000 [-1.000, 1.000]", "1.000, 1.000", "1.000", "1.000", "0.0", "7", "1.0 |"]
    pairs, third = 40 * 39 / 2, 13 * 12 / 2
    tau, tau_third = 1 - 2 / pairs, 1 - 2 / third
    assert rows["random"][1] == f"{(tau + 1) / 2:.3f} [-1.000, 1.000]"
    assert rows["random"][2] == f"{tau:.3f}, 1.000"
    assert rows["random"][4:6] == [f"{(tau_third + 1) / 2:.3f}", f"{10 / 39 / 2:.1f}"]
    assert f"gm - random: +{(1 - tau) / 2:.3f} [-1.000, 1.000] (no difference shown)" in out
    assert "both convolutions in one group in 2 of 2 seeds" in out


def test_what_the_protocol_asserts(results, genotypes):
    found, loss, accuracy = results
    with pytest.raises(AssertionError, match="does not agree with itself"):
        report("", genotypes, np.stack([loss[0], np.roll(loss[0], 10)]), accuracy, found)
    reverse = found["gm"][0] | {"losses": loss[0][::-1].tolist()}
    with pytest.raises(AssertionError, match="an arm does not rank"):
        report("", genotypes, loss, accuracy, found | {"random": [reverse]})
    half = np.concatenate([loss[0][:20], loss[0][20:][::-1]]).tolist()  # 190 of 780 pairs: tau-b 0.51
    with pytest.raises(AssertionError, match="worse than one supernet"):
        report("", genotypes, loss, accuracy, found | {"gm": 3 * [found["gm"][0] | {"losses": half}]})


def test_arms_that_know_the_truth(monkeypatch, genotypes):
    """A table in place of training goes through splits and leaves to the very same losses."""
    monkeypatch.setattr(registry, "SPACES", dict(registry.SPACES))
    ranking.ranking_network.register()
    table = {genotype: float(number) for number, genotype in enumerate(genotypes)}
    asked = []

    class Oracle:
        def __init__(self, images, config, engine, mask, epochs):
            self.mask = mask

        def score(self, genotype):
            assert ranking_report.inside(genotype, self.mask)
            asked.append(genotype)
            return SimpleNamespace(value=table[genotype])

    monkeypatch.setattr(ranking, "supernet_of", Oracle)
    options = SimpleNamespace(dataset="digits", data_dir=None, archs=len(genotypes), steps=70, rounds=1)
    for name, num_leaves in (("one-shot", 1), ("exhaustive", 5), ("random", 4)):
        asked.clear()
        arm = ranking.run_arm(options, name, 3)
        assert arm["losses"] == [float(number) for number in range(len(genotypes))]
        assert len(set(leaves_of(arm["tree"], genotypes))) == num_leaves
        assert sorted(asked, key=genotypes.index) == genotypes  # each once


def test_the_network_of_one_architecture_is_its_path(genotypes):
    mask = alone(genotypes[0])
    assert [row for (row,) in mask.allowed] == [operation for _, operation in SPACE.path(genotypes[0])]


@pytest.mark.slow
def test_a_tiny_run(tmp_path, monkeypatch):
    """Every piece is computed once, and the arms' costs are those of their budgets."""
    words = "--seeds 1 --jobs 2 --archs 4 --steps 280 --truth-steps 7 --truth-seeds 1 --rounds 1"
    monkeypatch.setattr(sys, "argv", ["ranking.py", "--out", str(tmp_path), *words.split()])
    arms = ("one-shot", "random", "gm, equal")
    monkeypatch.setattr(ranking, "ARMS", {name: ranking.ARMS[name] for name in arms})
    reported = []
    monkeypatch.setattr(ranking, "report", lambda *given: reported.append(given))

    def run_and_list():
        ranking.main()
        return {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.json")}

    written = run_and_list()
    assert len(written) == 4 + 3
    assert run_and_list() == written
    _, _, loss, accuracy, results = reported[1]
    assert loss.shape == accuracy.shape == (1, 4)
    assert all(np.isfinite(one["losses"]).all() for (one,) in results.values())
    epochs = [results[name][0]["epochs"] for name in arms]
    assert epochs[:2] == [40, 4 * 40] and abs(epochs[2] - 4 * 40) < 4
