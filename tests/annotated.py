"""Small annotated images on disk, in the forms that people have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 40, 60


def put_image(path: Path, height: int = HEIGHT, width: int = WIDTH) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height)).save(path)
    return path


def put_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def coco() -> dict[str, Any]:
    """Two images, three objects of two of three classes, ids with gaps and out of order."""
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH},
            {"id": 3, "file_name": "b.png"},
        ],
        "categories": [{"id": 90, "name": "cow"}, {"id": 2, "name": "bee"}, {"id": 17, "name": "ant"}],
        "annotations": [
            {"id": 11, "image_id": 7, "category_id": 90, "bbox": [1, 2, 30, 20], "area": 450.5, "iscrowd": 0},
            {"id": 5, "image_id": 7, "category_id": 2, "bbox": [0, 0, 60, 40], "iscrowd": 1},
            {"id": 900100000017, "image_id": 3, "category_id": 90, "bbox": [10.5, 4, 2, 2]},
        ],
    }


def put_coco(path: Path, images: Path, document: dict[str, Any] | None = None) -> Path:
    for name in ("a.png", "b.png"):
        put_image(images / name)
    return put_text(path, json.dumps(coco() if document is None else document))


VOC = """<annotation><filename>elsewhere.jpg</filename>
<size><width>60</width><height>40</height><depth>3</depth></size>
<object><name>cow</name><difficult>1</difficult><part><name>head</name>
<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>
<bndbox><xmin>1</xmin><ymin>11</ymin><xmax>60</xmax><ymax>40</ymax></bndbox></object>
<object><name>ant</name><bndbox><xmax>12.0</xmax><ymax>20</ymax><xmin>3</xmin><ymin>5</ymin></bndbox></object>
</annotation>"""


def refused(read: Callable[[], Any], *words: object) -> None:
    """In one line that has the words, in their order."""
    with pytest.raises(ValueError) as caught:
        read()
    message, rest = str(caught.value), str(caught.value)
    assert "\n" not in message, message
    for word in map(str, words):
        assert word in rest, (word, message)
        rest = rest.split(word, 1)[1]


def boxes_of(image: Any) -> list[list[float]]:
    assert image.boxes.dtype == np.float32
    return image.boxes.tolist()


def put_mask(path: Path, values: Any, *, palette: bool = False, mode: str = "L") -> Path:
    """values: of each pixel [H, W], or one of all pixels of an image as `put_image` makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.broadcast_to(np.asarray(values, np.uint8), np.shape(values) or (HEIGHT, WIDTH))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if palette:
        image = image.convert("P")
        image.putdata(pixels.ravel().tolist())
        image.putpalette([(255 - value) // 3 for value in range(256) for _ in range(3)])
    image.convert(mode if not palette else "P").save(path)
    return path
