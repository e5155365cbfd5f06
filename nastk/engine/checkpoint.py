"""Checkpoints: everything to go on exactly, in one file that loads without unpickling any code."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from nastk.engine.device import Engine
from nastk.engine.digest import digest
from nastk.engine.inputs import Inputs
from nastk.engine.job import Job
from nastk.engine.packing import pack, unpack
from nastk.run import METRICS, Run, RunError

NAME = "checkpoint.pt"
FORMAT = "nastk-checkpoint"
VERSION = 3

# What is in it besides the format and its version, and of which type.
_PARTS: dict[str, type | tuple[type, ...]] = {
    "config": str,  # the digest of config.yaml
    "inputs": dict,  # what else the run was started with
    "device": str,
    "threads": int,
    "step": int,
    "wall_s": (int, float),
    "state": str,  # that of _STATE, as engine.packing has it, and
    "tensors": list,
    "digest": str,  # of those of _SAVED
}
# What must be just as it was saved: nobody but nastk knows what may be in it.
_SAVED = ("inputs", "device", "threads", "step", "state", "tensors")
_STATE = {"streams", "job"}
_LONGEST_S = 1e12


def save(
    run: Run,
    engine: Engine,
    *,
    config: str,
    inputs: Inputs,
    step: int,
    wall_s: float,
    job: dict[str, Any],
) -> None:
    """Replace the run's checkpoint; on failure (a full disk, say) the one before stays as it is.

    config: the text of config.yaml. inputs: whatever else the run was started with.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "config": _digest(config),
        "inputs": inputs.state_dict(),
        "device": engine.device.type,
        "threads": torch.get_num_threads(),
        "step": step,
        "wall_s": wall_s,
    }
    content["state"], content["tensors"] = pack({"streams": engine.streams.state_dict(), "job": job})
    content["digest"] = digest([content[name] for name in _SAVED])
    # torch's own file writer does not say what is wrong with a full disk; Python's does.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with run.replacing(NAME) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(run: Run, engine: Engine, *, config: str, inputs: Inputs) -> dict[str, Any]:
    """The content of the run's checkpoint, just as it was saved, with "streams" and "job".

    Raises RunError for a damaged file, another version, a checkpoint of another configuration or of a run
    that was started with something else, or of another kind of device (whose random streams cannot go on
    here). What is read and unpacked is bounded by the size of the file.
    """
    path = run.path / NAME
    content = _read(path)
    if content["config"] != _digest(config):
        raise RunError(f"{path}: belongs to another configuration than {run.path / 'config.yaml'}")
    if changed := inputs.differences(content["inputs"]):
        raise RunError(
            f"{path}: the run cannot go on, for what it was started with has changed: {'; '.join(changed)}. Put "
            "it back as it was, or begin a new run"
        )
    if content["device"] != engine.device.type:
        hint = " (CUDA_VISIBLE_DEVICES= hides the GPU)" if engine.device.type == "cuda" else ""
        raise RunError(
            f"{path}: the run was on {content['device']}; it cannot go on on {engine.device.type}{hint}"
        )
    return content


def restore(content: dict[str, Any], run: Run, engine: Engine, job: Job) -> None:
    """Put the job and the random streams where they were when `content` was saved.

    RunError if they cannot be, with what they say of it, or if the job would not save the same again: another
    nastk may have written it, or another version of the method. Neither is to be used after that.
    """
    saved = digest(content["job"])  # of which the job may take parts for its own
    try:
        job.load_state_dict(content["job"])
        if digest(job.state_dict()) != saved:
            raise ValueError("the job does not have all of its state")
        # After the job, which may have to build something, and so draw, before it can load.
        engine.streams.load_state_dict(content["streams"], engine.device)
    except (MemoryError, OSError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # any method's own way to stumble over a state that is not its own
        if "can't allocate memory" in str(error):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        what = what if len(what) <= 200 else f"{what[:200]}..."
        raise RunError(
            f"{run.path / NAME}: the run cannot go on from it; is it damaged, or of another nastk? ({what})"
        ) from error


def notes(content: dict[str, Any], run: Run, engine: Engine, job: Job) -> list[str]:
    """What is another than it was when `content` was saved, and does not keep the run from going on."""
    found = []
    step, before, now = content["step"], content["threads"], torch.get_num_threads()
    if engine.device.type == "cpu" and before != now:
        found.append(
            f"CPU threads: {before} until now, {now} from here on; results may differ in the last bits "
            f"(engine.threads={before} in a new run)"
        )
    if max(run.last_logged, 0) < step:
        what = "is missing" if run.last_logged < 0 else f"ends at step {run.last_logged}"
        found.append(f"{run.path / METRICS} {what}: the lines up to step {step} are lost")
    if run.last_logged > job.num_steps:
        found.append(
            f"{run.path / METRICS} ends at step {run.last_logged} of {job.num_steps}: nothing is added to it"
        )
    return found


def _read(path: Path) -> dict[str, Any]:
    """What is in the file, if it is what `save` wrote, and the state that is packed in it."""
    damaged = RunError(f"{path}: the checkpoint is damaged (truncated?) or not a nastk checkpoint")
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as file:  # torch does not look at the checksums
            members = file.infolist()  # torch writes them as they are, one behind the other
            packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
            if packed or sum(member.file_size for member in members) > size or file.testzip() is not None:
                raise damaged
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other kinds of files, which are refused here
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception:  # whatever the unpickler of a damaged file stumbles over
        raise damaged from None
    about = content.get("format") if isinstance(content, dict) else None
    if not isinstance(about, str) or about != FORMAT:
        raise RunError(f"{path}: not a nastk checkpoint")
    _check_version(path, content.get("version"))
    for name, types in _PARTS.items():
        part = content.get(name)
        if not isinstance(part, types) or isinstance(part, bool):
            what = "of another type than nastk writes" if name in content else "missing"
            raise RunError(f"{path}: the checkpoint is damaged: {name!r} is {what}")
    if not 0 <= content["wall_s"] <= _LONGEST_S:
        raise RunError(f"{path}: the checkpoint is damaged: no run takes such a time ('wall_s')")
    try:
        found = digest([content[name] for name in _SAVED], most_bytes=size)
        state = unpack(content.pop("state"), content.pop("tensors")) if found == content["digest"] else {}
    except Exception:  # kinds of tensors that no job has, too many lists in one another
        state = {}
    if (
        not isinstance(state, dict)
        or state.keys() != _STATE
        or not all(isinstance(part, dict) for part in state.values())
    ):
        raise RunError(f"{path}: the checkpoint is damaged: what it holds is not what was saved")
    return content | state


def _check_version(path: Path, version: Any) -> None:
    if type(version) is not int or not 0 < version < 1000:
        raise RunError(f"{path}: the checkpoint is damaged: 'version' is none of its format")
    if version != VERSION:
        hint = "; the nastk that began the run can finish it" if version < VERSION else ""
        raise RunError(f"{path}: version {version} of the format; this nastk reads {VERSION}{hint}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
