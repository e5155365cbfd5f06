"""worst.json: whom a network was surest and wrong about, with their pictures."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from nastk.engine.outcome import WORST, Predictions
from nastk.run import Run
from nastk.workflows.worst_images import SIDE, write_worst


def written(tmp_path, images, logits):
    predictions = Predictions()
    for part, labels in zip(logits.split(4), images.labels.split(4), strict=True):
        predictions.add(part, labels)
    run = Run.create(tmp_path / "run")
    write_worst(run, predictions.outcome(), images)
    found = json.loads((tmp_path / "run" / "worst.json").read_text())["images"]
    run.close()
    return found


def test_the_surest_first(tmp_path, random_images):
    images = random_images(6)  # labels 0, 1, 0, 1, 0, 1
    logits = torch.tensor([[2.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 9.0], [0.0, 1.0]])
    rows = written(tmp_path, images, logits)
    assert [(row["image"], row["class"], row["predicted"]) for row in rows] == [
        (4, "0", "1"),
        (1, "1", "0"),
        (2, "0", "1"),
    ]
    assert rows[1]["confidence"] == pytest.approx(100 * torch.tensor([3.0, 0.0]).softmax(0)[0].item())
    picture = Image.open(io.BytesIO(base64.b64decode(rows[0]["png"])))
    np.testing.assert_array_equal(np.asarray(picture), images.tensor[4, :, :, 0].numpy())


def test_few_and_small_enough_for_a_page(tmp_path, random_images):
    images = random_images(40, side=200, channels=3)
    rows = written(tmp_path, images, torch.tensor([[1.0, 0.0], [0.0, 1.0]])[1 - images.labels])
    assert len(rows) == WORST and [row["image"] for row in rows] == list(range(WORST))  # of equals the first
    sizes = {Image.open(io.BytesIO(base64.b64decode(row["png"]))).size for row in rows}
    assert sizes == {(SIDE, SIDE)}


def test_where_none_is_wrong(tmp_path, random_images):
    images = random_images(4)
    assert written(tmp_path, images, torch.eye(2)[images.labels]) == []
