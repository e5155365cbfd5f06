"""Small data sets on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def write_npz(tmp_path: Path) -> Callable[..., str]:
    """Writes an .npz of 8 training and 4 test images in 2 classes; None leaves an array out."""

    def write(**changes: Any) -> str:
        arrays: dict[str, Any] = {
            "x_train": noise(8, 8, 8, 3),
            "y_train": np.arange(8) % 2,
            "x_test": noise(4, 8, 8, 3, seed=1),
            "y_test": np.arange(4) % 2,
        }
        arrays |= changes
        path = tmp_path / "set.npz"
        np.savez(path, allow_pickle=True, **{k: v for k, v in arrays.items() if v is not None})
        return str(path)

    return write


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes DIR/<split>/<class>/<number>.png of the classes a and b, 3 images each."""

    def write(
        splits: tuple[str, ...] = ("train", "test"),
        classes: tuple[str, ...] = ("a", "b"),
        shape: tuple[int, ...] = (8, 8, 3),
        per_class: int = 3,
    ) -> Path:
        folder = tmp_path / "set"
        for split in splits:
            for number, name in enumerate(classes):
                place = folder / split / name
                place.mkdir(parents=True)
                for index in range(per_class):
                    pixels = noise(*shape, seed=100 * number + index)
                    Image.fromarray(pixels).save(place / f"{index}.png")
        return folder

    return write
