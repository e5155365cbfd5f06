"""What is shown of test.json and worst.json, as an evaluation writes them."""

from __future__ import annotations

import torch

from nastk.engine.outcome import Predictions
from nastk.report.page.confusion import on_test_images
from nastk.report.page.worst import worst_images


def test_json(pairs: list[tuple[int, int]], classes: list[str]) -> dict:
    """Of (class, predicted class) pairs."""
    predictions = Predictions()
    labels, predicted = (torch.tensor(side) for side in zip(*pairs, strict=True))
    predictions.add(torch.nn.functional.one_hot(predicted, len(classes)) * 5.0, labels)
    return predictions.outcome().figures(classes)


test_json.__test__ = False  # type: ignore[attr-defined]


def test_figures_and_confusion():
    pairs = [(0, 0)] * 9 + [(0, 1)] + [(1, 1)] * 7 + [(1, 2)] * 3
    text = "\n".join(on_test_images(test_json(pairs, ["cat", "<dog>", "eel"])))
    assert "balanced accuracy, %" in text and "80" in text and "calibration error" in text
    assert "top-5" not in text  # there are three classes
    assert "<dog>" not in text and "&lt;dog&gt; taken for eel: 3 of 10" in text
    rows = text[text.index("Most often confused") :].split("<tr>")[2:]
    assert rows[0].startswith("<td>&lt;dog&gt;</td><td>eel</td>") and "30.0" in rows[0]
    assert rows[1].startswith("<td>cat</td><td>&lt;dog&gt;</td>") and "10.0" in rows[1]
    assert text.count('<rect class="count"') == 4
    per_class = text[text.index("Per class") :]
    assert "<td>eel</td>" in per_class and "recall, %" in per_class


def test_many_classes_are_told_in_words():
    pairs = [(label, label) for label in range(41)] + [(label, 0) for label in range(41)]
    text = "\n".join(on_test_images(test_json(pairs, [str(label) for label in range(41)])))
    assert "<svg" not in text and "Most often confused" in text and "top-5" in text


def test_worst_images():
    row = {"image": 3, "class": "<cat>", "predicted": "dog", "confidence": 93.21, "png": "iVBORw0="}
    text = worst_images([row])
    assert '<img alt="&lt;cat&gt;, taken for dog (93.21 %)" src="data:image/png;base64,iVBORw0=">' in text
    assert text.count("<figure>") == 1 and "<cat>" not in text
