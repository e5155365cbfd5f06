"""The benchmark of searches over a table, on a made-up one of which the answers are known."""

import sys

import pytest
import regret_curves
from regret_curves import METHODS, asked, main, regret, within

from nastk.tables.table import Table


@pytest.mark.parametrize("method", METHODS)
def test_the_first_questions_of_a_longer_search_are_those_of_a_shorter_one(made_up_table, method):
    long, short = (asked(method, "cifar10", made_up_table, 3, queries) for queries in (40, 15))
    assert len(set(long)) == len(long) == 40
    assert long[:15] == short
    assert asked(method, "cifar10", made_up_table, 4, 15) != short


def test_regret_is_of_the_choice_by_validation(made_up_table):
    """The best by validation has 98 in the test, the best of the test 98.5, which is the second by validation."""
    table = Table(made_up_table)
    validation, test = table.column("val_acc_12"), table.column("test_acc_200")
    order = sorted(validation.archs, key=lambda arch: -validation.values[validation.rows[arch]])
    assert regret(order, validation, test) == 0.5
    assert regret(order[1:], validation, test) == 0
    assert regret(order[::-1][:1], validation, test) == 98.5 - (validation.values.min() - 0.5)


def test_the_table_it_prints(made_up_table, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", str(made_up_table), "--seeds", "3", "--queries", "5", "20"])
    monkeypatch.setattr(regret_curves, "bootstrap_interval", lambda *_, **__: (1.0, 2.0))
    main()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[0] == "| data set | search | 5 queries | 20 queries |"
    assert len(rows) == 1 + 3 * (len(METHODS) + 1)
    assert all(row.endswith("(1.00-2.00) |") for row in rows[1:4])
    assert rows[4] == "| cifar10 | all 15,625 asked | 0.50 | 0.50 |"


def test_under_limits_the_best_within_them_counts(made_up_table):
    table, limits = Table(made_up_table), ["params=300k"]
    validation, test = table.column("val_acc_12"), table.column("test_acc_200")
    allowed = within(validation.archs, "cifar10", limits)
    assert 0 < len(allowed) < 15_625
    best = max(allowed, key=lambda arch: validation.values[validation.rows[arch]])
    outside = next(arch for arch in validation.archs if arch not in allowed)
    assert regret([outside, best], validation, test, allowed) == 0
    # No other individuals are drawn or bred.
    assert set(asked("evolution", "cifar10", made_up_table, 3, 40, limits)) <= allowed
