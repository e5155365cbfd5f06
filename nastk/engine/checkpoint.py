"""Checkpoints: everything to go on exactly, in one file that loads without unpickling any code."""

from __future__ import annotations

import hashlib
import pickle
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
        "step": step,
        "wall_s": wall_s,
        "streams": engine.streams.state_dict(),
        "job": job,
    }
    with run.replacing(NAME) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # torch's own writer reports a full disk so
            raise OSError(f"cannot write the checkpoint: {str(error).splitlines()[0]}") from None


def load(run: Run, engine: Engine, *, config: str) -> dict[str, Any]:
    """The content of the run's checkpoint, its random streams restored.

    Raises RunError for a damaged file, another version, or a checkpoint of another configuration.
    """
    path = run.path / NAME
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, pickle.UnpicklingError):
        raise RunError(f"{path}: the checkpoint is damaged (truncated?) or not a nastk checkpoint") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RunError(f"{path}: not a nastk checkpoint")
    if content.get("version") != VERSION:
        raise RunError(f"{path}: version {content.get('version')} of the format; this nastk reads {VERSION}")
    if content.get("config") != _digest(config):
        raise RunError(f"{path}: belongs to another configuration than {run.path / 'config.yaml'}")
    engine.streams.load_state_dict(content["streams"], engine.device)
    return content


def _digest(config: str) -> str:
    return hashlib.sha256(config.encode()).hexdigest()
