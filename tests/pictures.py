"""Small image files in folders, for tests of how data sets are laid out."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bee", "cow")


def put(path: Path, seed: int = 0) -> None:
    """An image of 8x8 pixels in colour, another one for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def put_classes(place: Path, each: int = 5, classes: tuple[str, ...] = CLASSES, below: str = "") -> None:
    """place/<class>/<below>/<number>.png, all of them different."""
    for label, name in enumerate(classes):
        for number in range(each):
            put(place / name / below / f"{number}.png", seed=100 * label + number)
