"""Mean and standard deviation of a streamed set's pixels, kept from run to run: thousands of files are decoded for
them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import PIL
import torch

from nastk.data.images import ImageSet, StreamedImages
from nastk.data.index_file import index_folder, write_whole
from nastk.data.statistics import channel_statistics
from nastk.json_text import read_json
from nastk.schema import DataConfig

Statistics = tuple[tuple[float, ...], tuple[float, ...]]

_MADE_BY = f"statistics 1, Pillow {PIL.__version__}, torch {torch.__version__}"  # who decoded and resized


def kept_statistics(images: ImageSet, config: DataConfig) -> Statistics:
    """`channel_statistics` of a set as it was loaded, known again by its fingerprint."""
    file = _file_of(images, config)
    if file is None:
        return channel_statistics(images)
    found = _read(file, channels=images.shape[0])
    if found is None:
        found = channel_statistics(images)
        text = json.dumps({"mean": found[0], "std": found[1]})
        write_whole(file, lambda stream: stream.write(text.encode()))
    return found


def _file_of(images: ImageSet, config: DataConfig) -> Path | None:
    folder = index_folder(config, images.num_images)
    if folder is None or not isinstance(images, StreamedImages):
        return None
    assert images.fingerprint is not None
    known = repr((_MADE_BY, images.fingerprint.contents, images.form))
    return (
        folder / f"{hashlib.blake2b(known.encode(), digest_size=16, usedforsecurity=False).hexdigest()}.json"
    )


def _read(file: Path, channels: int) -> Statistics | None:
    try:
        values = read_json(file.read_bytes().decode())
        mean, std = (tuple(map(float, values[name])) for name in ("mean", "std"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return (mean, std) if len(mean) == len(std) == channels and min(std) > 0 else None
