"""Checkpoints: everything to go on exactly, in one file that loads without unpickling any code."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from typing import Any

import torch

from nastk.engine.device import Engine
from nastk.run import Run, RunError

NAME = "checkpoint.pt"
FORMAT = "nastk-checkpoint"
VERSION = 1


def save(run: Run, engine: Engine, *, config: str, step: int, wall_s: float, job: dict[str, Any]) -> None:
    """Replace the run's checkpoint; on failure (a full disk, say) the one before stays as it is."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "config": _digest(config),
        "device": engine.device.type,
        "step": step,
        "wall_s": wall_s,
        "streams": engine.streams.state_dict(),
        "job": job,
    }
    # torch's own file writer does not say what is wrong with a full disk; Python's does.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with run.replacing(NAME) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(run: Run, engine: Engine, *, config: str) -> dict[str, Any]:
    """The content of the run's checkpoint.

    Raises RunError for a damaged file, another version, a checkpoint of another configuration, or of
    another kind of device (whose random streams cannot go on here).
    """
    path = run.path / NAME
    try:
        with zipfile.ZipFile(path) as file:  # torch does not look at the checksums
            intact = file.testzip() is None
        if not intact:
            raise ValueError
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other kinds of files, which are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception:  # whatever the unpickler of a damaged file stumbles over
        raise RunError(f"{path}: the checkpoint is damaged (truncated?) or not a nastk checkpoint") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunError(f"{path}: not a nastk checkpoint")
    if content.get("version") != VERSION:
        raise RunError(f"{path}: version {content.get('version')} of the format; this nastk reads {VERSION}")
    if content.get("config") != _digest(config):
        raise RunError(f"{path}: belongs to another configuration than {run.path / 'config.yaml'}")
    if content.get("device") != engine.device.type:
        hint = " (CUDA_VISIBLE_DEVICES= hides the GPU)" if engine.device.type == "cuda" else ""
        raise RunError(
            f"{path}: the run was on {content.get('device')}; it cannot go on on {engine.device.type}{hint}"
        )
    return content


def _digest(config: str) -> str:
    return hashlib.sha256(config.encode()).hexdigest()
