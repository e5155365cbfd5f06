"""Scores from a table: its validation column unless told otherwise, its test column beside, every question counted."""

import math

import numpy as np
import pytest

from nastk.estimators.table_scores import TableScores
from nastk.genotype import Genotype
from nastk.spaces.nasbench201 import NASBENCH201

BEST = NASBENCH201.genotype([3] * 6)
WORST = NASBENCH201.genotype([0] * 6)


def table_scores(path, column=None, *, space="nasbench201", dataset="cifar10"):
    return TableScores(path, space, dataset, column)


def test_scores_are_the_validation_column(made_up_table):
    scores = table_scores(made_up_table)
    assert scores.comparable
    score = scores.score(BEST)
    assert (score.value, score.metric, score.direction, score.split) == (100, "accuracy", "max", "validation")
    assert (score.source, score.accuracy, score.cost) == ("table table.npz, val_acc_12", 100, 0)
    trained = scores.train([WORST, BEST], lr=0.1, drop_path=0.3)
    assert trained[1] == score and trained[0].value == 100 - 3 * 14
    assert table_scores(made_up_table, dataset="cifar100").score(BEST).value == -100


def test_questions_are_counted_once_and_restored(made_up_table):
    scores = table_scores(made_up_table)
    assert scores.figures() == {"queries": 0}
    for genotype in (WORST, BEST, WORST):
        scores.score(genotype)
    assert scores.figures() == {"queries": 2}
    assert scores.finalists([]) == [WORST, BEST]
    other = table_scores(made_up_table)
    other.load_state_dict(scores.state_dict())
    assert other.finalists([]) == [WORST, BEST]


def test_the_test_figure_is_told_beside(made_up_table):
    scores = table_scores(made_up_table)
    scores.score(BEST)
    assert scores.notes() == [
        f"scores from {made_up_table}: val_acc_12 of cifar10 (validation), which needs no images"
    ]
    assert scores.details(BEST) == {
        "table": "table.npz", "column": "val_acc_12", "split": "validation", "dataset": "cifar10", "queries": 1,
        "test": {"column": "test_acc_200", "metric": "accuracy", "value": 98},
    }  # fmt: skip
    assert scores.remarks(BEST) == [
        "1 architecture looked up in table.npz; test_acc_200 98.0000 (chose nothing)"
    ]


def test_an_oracle_is_said_to_be_one(made_up_table):
    scores = table_scores(made_up_table, "test_acc_200")
    assert scores.score(BEST).split == "test"
    (note,) = scores.notes()
    assert note.endswith(
        "test_acc_200 of cifar10 (test): an oracle run, which chooses by test figures; a search chooses by val_acc_12"
    )


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("cifar10", ((3, 32, 32), 10)),
        ("cifar100", ((3, 32, 32), 100)),
        ("ImageNet16-120", ((3, 16, 16), 120)),
    ],
)
def test_what_the_networks_are_built_for(made_up_table, dataset, expected):
    assert table_scores(made_up_table, dataset=dataset).network_input == expected


def test_tasks_without_accuracy_and_networks(tmp_path):
    metrics = {"room_layout": "valid_neg_loss", "normal": "valid_ssim", "class_scene": "valid_top1"}
    np.savez(
        tmp_path / "table.npz",
        tasks=np.array(list(metrics)),
        metrics=np.array(list(metrics.values())),
        micro_arch=np.array(["64-41414-0_00_000", "64-41414-1_00_000"]),
        macro_arch=np.array(["64-1123-basic"]),
        micro_val=np.array([[-1.0, 0.5, 7.0], [-0.5, 0.4, 8.0]]),
    )
    for task, value in (("room_layout", -0.5), ("normal", 0.4), ("class_scene", 8)):
        scores = table_scores(tmp_path / "table.npz", space="transnas-micro", dataset=task)
        score = scores.score(Genotype("transnas-micro", "64-41414-1_00_000"))
        assert (score.value, score.metric, score.direction) == (value, metrics[task], "max")
        assert score.accuracy == value if task == "class_scene" else math.isnan(score.accuracy)
        assert scores.network_input is None
        assert "test" not in scores.details(Genotype("transnas-micro", "64-41414-1_00_000"))
    with pytest.raises(ValueError, match=r"table\.npz does not have the architecture 64-41414-2_00_000"):
        scores.score(Genotype("transnas-micro", "64-41414-2_00_000"))
    with pytest.raises(
        ValueError, match="micro_val is a column of space transnas-micro, not of transnas-macro"
    ):
        table_scores(tmp_path / "table.npz", "micro_val", space="transnas-macro", dataset="normal")
    with pytest.raises(
        ValueError, match="is a table of space transnas-micro and transnas-macro, not of darts"
    ):
        table_scores(tmp_path / "table.npz", space="darts", dataset="normal")
