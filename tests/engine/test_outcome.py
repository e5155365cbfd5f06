"""What a test says in detail, against figures worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nastk.engine.outcome import BINS, Outcome, Predictions


def _logits(*rows: list[float]) -> Tensor:
    """Logits whose softmax is `rows`."""
    return torch.tensor(rows).log()


def _outcome(*batches: tuple[Tensor, list[int]]) -> Outcome:
    predictions = Predictions()
    for logits, labels in batches:
        predictions.add(logits, torch.tensor(labels))
    return predictions.outcome()


def test_by_hand():
    """Three of the first class, two of them right; one of the second, right; none of the third, predicted once."""
    outcome = _outcome(
        (_logits([0.9, 0.05, 0.05], [0.1, 0.1, 0.8]), [0, 0]),
        (_logits([0.7, 0.2, 0.1], [0.3, 0.5, 0.2]), [0, 1]),
    )
    figures = outcome.figures(["a", "b", "c"])
    assert outcome.confusion.tolist() == figures["confusion"] == [[2, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert (figures["images"], figures["accuracy"]) == (4, 75.0)
    assert figures["balanced_accuracy"] == pytest.approx(100 * (2 / 3 + 1) / 2)  # of the classes there are
    assert figures["top_5"] is None
    assert figures["classes"] == [
        {"name": "a", "images": 3, "recall": pytest.approx(200 / 3), "precision": 100.0},
        {"name": "b", "images": 1, "recall": 100.0, "precision": 100.0},
        {"name": "c", "images": 0, "recall": None, "precision": 0.0},
    ]
    # Each image is alone in its bin: three right ones and one wrong one.
    error = (0.1 + 0.8 + 0.3 + 0.5) / 4
    assert figures["calibration"]["error"] == pytest.approx(100 * error, rel=1e-5)
    assert len(figures["calibration"]["bins"]) == BINS == 15
    filled = [row for row in figures["calibration"]["bins"] if row["images"]]
    assert [(row["accuracy"], round(row["confidence"])) for row in filled] == [
        *((100.0, 50), (100.0, 70), (0.0, 80), (100.0, 90)),
    ]
    assert all(row["above"] < row["confidence"] <= row["up_to"] for row in filled)
    assert all(row["accuracy"] is None for row in figures["calibration"]["bins"] if not row["images"])


def test_in_one_bin_right_and_wrong_ones_make_up_for_each_other():
    """Four images of confidence 3/4, three of them right: calibrated."""
    figures = _outcome((_logits(*[[0.75, 0.25]] * 4), [0, 0, 1, 0])).figures(["a", "b"])
    assert figures["calibration"]["error"] == pytest.approx(0.0, abs=1e-4)
    assert figures["accuracy"] == figures["balanced_accuracy"] + 25 == 75.0


def test_the_last_bin_has_its_upper_end():
    sure = _outcome((torch.tensor([[1e30, 0.0]]), [0]))
    assert sure.bins[:, 0].nonzero().tolist() == [[14]]


def test_top_5():
    """The right class is first, fifth and sixth of seven."""
    logits = torch.arange(7.0, 0.0, -1.0).repeat(3, 1)
    outcome = _outcome((logits, [0, 4, 5]))
    assert outcome.figures([*"abcdefg"])["top_5"] == pytest.approx(200 / 3)
    assert outcome.figures([*"abcdefg"])["accuracy"] == pytest.approx(100 / 3)


def test_its_state_is_all_of_it():
    outcome = _outcome(
        (torch.randn(20, 6, generator=torch.Generator().manual_seed(0)), [*range(6)] * 3 + [0, 1])
    )
    again = Outcome(**outcome.state_dict())
    assert again.figures([*"abcdef"]) == outcome.figures([*"abcdef"])
