"""What test.json may hold, and what is shown of it."""

from __future__ import annotations

import pytest

from nastk.report.page.confusion import on_test_images

TEST = {
    "accuracy": 90.0,
    "balanced_accuracy": 88.123456,
    "classes": ["cat", "<dog>", "eel"],
    "confusion": [[9, 1, 0], [0, 7, 3], [0, 0, 0]],
    "per_class": {"cat": {"accuracy": 90.0}, "<dog>": {"accuracy": 70.0}, "eel": {"accuracy": None}},
}


def test_figures_and_confusion():
    text = "\n".join(on_test_images(TEST))
    assert "balanced accuracy" in text and "88.12" in text
    assert "<dog>" not in text and "&lt;dog&gt; taken for eel: 3 of 10" in text
    rows = text[text.index("Most often confused") :].split("<tr>")[2:]
    assert rows[0].startswith("<td>&lt;dog&gt;</td><td>eel</td>") and "30.0" in rows[0]
    assert rows[1].startswith("<td>cat</td><td>&lt;dog&gt;</td>") and "10.0" in rows[1]
    assert text.count('<rect class="count"') == 4


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"confusion": "x", "per_class": 3, "classes": None},
        {"confusion": [[1, 2]], "classes": ["a"]},
        {"confusion": [[1, -2], [0, 0]], "per_class": [1, 2]},
        {"confusion": [[0, 0], [0, 0]], "classes": ["a"], "per_class": [{"x": 1}]},
        {"per_class": [50.0, 60.0], "classes": ["a", "b"]},
    ],
)
def test_what_is_not_as_expected_is_passed_over(other):
    text = "\n".join(on_test_images(other))
    assert "matrix" not in text
    assert ("60" in text) == (other.get("per_class") == [50.0, 60.0])


def test_many_classes_are_told_in_words():
    side = 41
    matrix = [[int(row == column) + int(column == 0) for column in range(side)] for row in range(side)]
    text = "\n".join(on_test_images({"confusion": matrix}))
    assert "<svg" not in text and "Most often confused" in text
