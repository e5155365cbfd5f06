"""A trained network written in a format that other programs take."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch

from nastk import registry
from nastk.archs import Arch, load_arch
from nastk.engine.progress import Progress
from nastk.exports.exported import Exported
from nastk.exports.formats import FORMATS, Format
from nastk.networks.classifier import EXPORTED_WEIGHTS, Classifier, load_classifier, weights_in
from nastk.networks.network import Network
from nastk.run import SUMMARY, WEIGHTS, RunError, read_object
from nastk.workflows.result_file import write_result_file

_PLACEHOLDERS: dict[str, Any] = {"classes": tuple(map(str, range(10))), "shape": (3, 32, 32)}


def export(
    source: str | Arch, format_name: str, *, weights: Path | None, out: Path | None, progress: Progress
) -> Path:
    """Write the network that `source` names, and return the file or folder; an earlier one that differs is kept.

    source: a run directory of a training, its weights file, an exported folder; or an architecture, to which
    `weights` belong. out: None: in the working directory, named after the source. ValueError, in one line, for what
    cannot be exported.
    """
    if format_name not in FORMATS:
        raise registry.unknown("format", format_name, FORMATS)
    form = FORMATS[format_name]
    form.check_packages(format_name)
    exported = find(source, weights, form, format_name, progress)
    place = out if out is not None else Path(f"{_file_name(exported.name)}{form.suffix}")
    _check_place(place, form)
    content = form.load()(exported)
    files = (
        {place: content} if isinstance(content, bytes) else {place / name: content[name] for name in content}
    )
    try:
        if not form.suffix:
            place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{place}: {error.strerror}") from None
    for file, data in files.items():
        write_result_file(file, data, progress)
    return place


def find(
    source: str | Arch, weights: Path | None, form: Format, format_name: str, progress: Progress
) -> Exported:
    """The network, with what is known about its training."""
    trained = _weights_of(source) if weights is None else weights
    if trained is None:
        found = source if isinstance(source, Arch) else load_arch(source)
        if form.needs_weights:
            raise ValueError(
                f"{found.name} has no trained weights, and --format {format_name} is of no use without: name the "
                "run directory of nastk evaluate, or --weights FILE (--format python writes the network untrained)"
            )
        progress.note(f"{found.name} has no trained weights: its network is written untrained")
        return Exported(_untrained(found), found.name)
    network = load_classifier(trained)
    named = trained.name in (WEIGHTS, EXPORTED_WEIGHTS)  # by the folder that it is in
    summary = (
        read_object(trained.with_name(SUMMARY)) if named and trained.with_name(SUMMARY).is_file() else {}
    )
    if weights is None:
        return Exported(network, trained.resolve().parent.name if named else trained.stem, summary)
    found = source if isinstance(source, Arch) else load_arch(source)
    if found.genotype != network.genotype:
        raise ValueError(f"--weights: {weights} is of another architecture than {found.name}")
    return Exported(network, found.name, summary)


def _weights_of(source: str | Arch) -> Path | None:
    """The weights file that a source is, or that is in it."""
    if isinstance(source, Arch):
        return None
    if os.path.isdir(source):  # which, unlike Path's, takes a genotype's text for no path
        return weights_in(Path(source))
    return Path(source) if source.endswith(".safetensors") else None


def _untrained(found: Arch) -> Classifier:
    """The network of an architecture in its published size for images as CIFAR-10's, without numbers in it."""
    entry = registry.space_entry(found.genotype.space)
    entry.check_networks()
    published = registry.load_space(found.genotype.space).published_size
    settings = {
        "init_channels": published.init_channels,
        "num_cells": published.num_cells,
        "stem": "cifar",
        "auxiliary": False,
    }
    channels, *size = _PLACEHOLDERS["shape"]
    num_classes = len(_PLACEHOLDERS["classes"])
    with torch.device("meta"):
        network: Network = entry.load_network()(
            found.genotype, **settings, num_classes=num_classes, channels_in=channels, image_size=tuple(size)
        )
    middle = (0.5,) * channels
    return Classifier(network, found.genotype, settings=settings, mean=middle, std=middle, **_PLACEHOLDERS)


def _file_name(name: str) -> str:
    """A name that Python can import, too."""
    return re.sub(r"\W", "_", name)


def _check_place(place: Path, form: Format) -> None:
    """ValueError before the work is done."""
    if form.suffix and place.is_dir():
        raise ValueError(f"--out: {place} is a directory; name a file")
    if not form.suffix and place.exists() and not place.is_dir():
        raise ValueError(f"--out: {place} is a file; this format is a folder")
    if not form.suffix and (place / SUMMARY).exists():
        raise ValueError(f"--out: {place} is a run directory; name another folder")
    if not place.parent.is_dir():
        raise ValueError(f"--out: {place.parent} is no directory")
