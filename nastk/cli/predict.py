"""nastk predict: the classes of image files, by a trained network."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nastk.cli.options import say
from nastk.wording import counted

if TYPE_CHECKING:
    from nastk.workflows.predict import Prediction


@click.command(short_help="The classes of image files, by a trained network.")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|FILE")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|DIR...")
@click.option("--top", type=click.IntRange(min=1), default=5, metavar="N", help="Classes an image (5).")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
def predict(run: Path, images: tuple[str, ...], top: int, as_json: bool) -> None:
    """Classify images: nastk predict runs/evaluate-... cat.jpg, or a directory of them.

    RUN is the directory of a finished evaluation or transfer, FILE its weights.safetensors. Images are read,
    turned, brought to size and normalised as those that the network was trained on. Of a directory, at any
    depth, the answer is a table (CSV) on stdout: file, class, probability, then the next likely class_2,
    probability_2 ... Files that cannot be read are told of at the end, and the exit code is 2.
    """
    from nastk.cli.progress import TerminalProgress
    from nastk.data.reading import some
    from nastk.workflows import predict as work

    network = work.load_network(run)
    paths = work.find_images(images, TerminalProgress(plain=True))
    table = any(map(os.path.isdir, images))
    if table and not as_json:
        _tell_row("file", *_columns(min(top, len(network.classes))))
    begun = time.monotonic()
    found = []
    for prediction in work.predict(network, paths, top):
        found.append(prediction)
        if prediction.unreadable is None and not as_json:
            (_tell_as_row if table else _tell)(prediction)
    seconds = time.monotonic() - begun
    if as_json:
        click.echo(json.dumps(_content(found)))
    if table:
        say(f"{counted(len(found), 'image')}, {len(found) / seconds:,.1f} images/s")
    if bad := [prediction.unreadable for prediction in found if prediction.unreadable is not None]:
        raise ValueError(f"{len(bad):,} of {counted(len(found), 'file')} cannot be read: {some(bad)}")


def _columns(top: int) -> list[str]:
    later = (f"{name}_{number}" for number in range(2, top + 1) for name in ("class", "probability"))
    return ["class", "probability", *later]


def _tell_as_row(prediction: Prediction) -> None:
    cells = (cell for name, share in prediction.classes for cell in (name, f"{share:.6g}"))
    _tell_row(_encodable(prediction.path), *cells)


def _tell_row(*cells: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    click.echo(text.getvalue())


def _tell(prediction: Prediction) -> None:
    click.echo(_encodable(prediction.path))
    for name, share in prediction.classes:
        click.echo(f"{100 * share:8.2f} %  {name}")


def _encodable(path: str) -> str:
    """A path of bytes that are no text, as on no line they can be written, with those escaped."""
    return path.encode(errors="backslashreplace").decode()


def _content(found: list[Prediction]) -> dict[str, Any]:
    return {
        "images": [
            {
                "file": prediction.path,
                "classes": [{"class": name, "probability": share} for name, share in prediction.classes],
            }
            for prediction in found
            if prediction.unreadable is None
        ],
        "unreadable": [
            {"file": prediction.path, "reason": prediction.unreadable.reason}
            for prediction in found
            if prediction.unreadable is not None
        ],
    }
