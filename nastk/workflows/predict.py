"""What a trained network says of image files: they are decoded by threads, and classified in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nastk.data.decoding import decode
from nastk.data.listing import list_images
from nastk.data.reading import Unreadable, attempt_all
from nastk.engine.progress import Progress
from nastk.networks.classifier import Classifier, load_classifier

# Of a batch: as many as bring no more speed on a processor, and whose maps take no gigabytes.
_PIXELS = 2**18
_IMAGES = 256
_THREADS = 8


@dataclass(frozen=True)
class Prediction:
    """classes: the most likely ones of an image with their probabilities, best first; none of a file that
    cannot be read. unreadable: why it cannot."""

    path: str
    classes: tuple[tuple[str, float], ...]
    unreadable: Unreadable | None = None


def load_network(path: Path) -> Classifier:
    """The network in a run directory or a weights file, on a GPU if there is one, in the layout it was tested in."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = load_classifier(path)
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def find_images(places: Sequence[str], progress: Progress) -> list[str]:
    """The files among `places`, and the images below its directories; what else lies there is told.

    A file that was named counts whatever it is. ValueError for a directory without images.
    """
    paths: list[str] = []
    for place in places:
        if os.path.isdir(place):
            images, notes = list_images(Path(place), _threads())
            paths += images
            for note in notes:
                progress.note(note)
        else:
            paths.append(place)
    return paths


def predict(network: Classifier, paths: Sequence[str], top: int) -> Iterator[Prediction]:
    """The `top` most likely classes of each file, in order, batch after batch."""
    _, height, width = network.shape
    batch_size = max(1, min(_IMAGES, _PIXELS // (height * width)))
    form = network.form
    for start in range(0, len(paths), batch_size):
        batch = paths[start : start + batch_size]
        read = attempt_all(lambda path: decode(path, form), batch, _threads())
        pixels = [image for image in read if not isinstance(image, Unreadable)]
        found = iter(network.classify(torch.stack(pixels), top) if pixels else ())
        for path, image in zip(batch, read, strict=True):
            if isinstance(image, Unreadable):
                yield Prediction(path, (), image)
            else:
                yield Prediction(path, tuple(next(found)))


def _threads() -> int:
    return min(os.cpu_count() or 1, _THREADS)
