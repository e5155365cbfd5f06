"""Checkpoints that are not whole: refused in one line that says what is wrong, before anything is touched."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import saved
import torch
from mutations import mutations
from torch import nn

from nastk.engine import checkpoint
from nastk.engine.device import Engine
from nastk.engine.digest import digest
from nastk.engine.inputs import Inputs
from nastk.engine.optimizers import SGD
from nastk.run import Run, RunError
from nastk.schema import EngineConfig


class _Job:
    """A network with an optimiser and a list that grows: what the states of all methods are made of."""

    num_steps = 3

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        self.optimizer = SGD(self.network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0)
        self.done, self.scores = 0, [{"value": 1.0, "metric": "loss"}]

    def state_dict(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "scores": self.scores,
            "positions": torch.zeros(2, 3, dtype=torch.float64),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "inner": None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.scores = state["done"], state["scores"]


class _Inputs(Inputs):
    def __init__(self, cell: str) -> None:
        self.cell = cell

    def state_dict(self) -> dict[str, Any]:
        return {"cell": self.cell}

    def differences(self, state: dict[str, Any]) -> list[str]:
        return [] if state["cell"] == self.cell else [f"{state['cell']!r} then, {self.cell!r} now"]


@pytest.fixture
def engine() -> Engine:
    return Engine(EngineConfig(device="cpu"), 0)


@pytest.fixture
def job(engine: Engine) -> _Job:
    job = _Job(engine)
    job.network(torch.zeros(2, 1, 4, 4)).sum().backward()
    job.optimizer.step()
    return job


@pytest.fixture
def run(tmp_path: Path, engine: Engine, job: _Job) -> Any:
    """With a checkpoint at step 2, and a metrics.jsonl that fits."""
    run = Run.create(tmp_path / "run")
    run.write_text("config.yaml", "c")
    engine.streams["draws"].manual_seed(1)
    checkpoint.save(run, engine, config="c", inputs=_Inputs("a"), step=2, wall_s=1.5, job=job.state_dict())
    for step in (1, 2):
        run.append_metrics(step, {})
    yield run
    run.close()


def _load(run: Run, engine: Engine, **words: Any) -> dict[str, Any]:
    return checkpoint.load(run, engine, **{"config": "c", "inputs": _Inputs("a")} | words)


def _write(run: Run, content: Any) -> None:
    saved.write(run.path / checkpoint.NAME, content)


def _written(run: Run) -> dict[str, Any]:
    """The file's content as torch reads it."""
    content: dict[str, Any] = torch.load(run.path / checkpoint.NAME, weights_only=True)
    return content


def _refused(run: Run, engine: Engine, **words: Any) -> str:
    """What is said of the run's checkpoint; nothing in the run directory is changed."""

    def found() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in run.path.iterdir()}

    before = found()
    with pytest.raises(RunError) as refused:
        _load(run, engine, **words)
    assert found() == before
    message = str(refused.value)
    assert message.startswith(f"{run.path / checkpoint.NAME}: ") and "\n" not in message
    assert len(message) < len(str(run.path)) + 200
    return message.removeprefix(f"{run.path / checkpoint.NAME}: ")


def test_what_was_saved_is_loaded(run, engine):
    content = _load(run, engine)
    assert (content["step"], content["wall_s"]) == (2, 1.5)
    other = _Job(engine)
    other.state_dict = lambda: content["job"]
    before = engine.streams["draws"].get_state()
    engine.streams["draws"].manual_seed(5)
    checkpoint.restore(content, run, engine, other)
    assert torch.equal(engine.streams["draws"].get_state(), before)


PARTS = (
    "format",
    "version",
    "config",
    "inputs",
    "device",
    "threads",
    "step",
    "wall_s",
    "state",
    "tensors",
)


@pytest.mark.parametrize("name", [*PARTS, "digest"])
def test_a_part_is_missing(name, run, engine):
    content = _written(run)
    del content[name]
    _write(run, content)
    message = _refused(run, engine)
    assert name in message or name == "format"


def _odd_ones(value: Any) -> list[Any]:
    """Of other types, or of the same type and no such thing."""
    odd = [
        *(None, True, -1, 10**9, 10**50, 1e9, float("nan"), float("inf"), -0.5, 1 + 1j, "x", "x\ny" * 1000),
        *([], {}, [[]], {"x": 1}, {0: torch.zeros(1)}, torch.zeros(()), torch.zeros(3), torch.tensor(2)),
        *(torch.Size([1]), torch.float32, torch.zeros(2, device="meta"), torch.zeros(2).to_sparse()),
        torch.zeros(1).expand(10**12),
    ]
    return [other for other in odd if type(other) is not type(value) or digest_of(other) != digest_of(value)]


def digest_of(value: Any) -> str | None:
    try:
        return digest(value, most_bytes=10**6)
    except Exception:
        return None


@pytest.mark.parametrize("name", [*PARTS, "digest"])
def test_a_part_is_something_else(name, run, engine):
    content = _written(run)
    odd_ones = _odd_ones(content[name])
    if name == "wall_s":  # which anything may be that a time may be
        odd_ones = [odd for odd in odd_ones if type(odd) not in (int, float) or not 0 <= odd < 1e12]
    for odd in odd_ones:
        _write(run, content | {name: odd})
        _refused(run, engine)


def test_any_part_within_the_parts(run, engine):
    content = _load(run, engine)
    found = list(mutations(content))
    assert len(found) > 150
    for where, changed in found[::5]:
        _write(run, changed)
        assert "damaged" in _refused(run, engine), where


@pytest.mark.parametrize("version", [1, 2, 4, 999])
def test_another_version(version, run, engine):
    """Whatever else it has: that of an older one, for example, lacks what this one asks for."""
    _write(run, {"format": checkpoint.FORMAT, "version": version})
    assert _refused(run, engine).startswith(f"version {version} of the format; this nastk reads 3")


def test_started_with_something_else(run, engine):
    assert _refused(run, engine, inputs=_Inputs("b")) == (
        "the run cannot go on, for what it was started with has changed: 'a' then, 'b' now. "
        "Put it back as it was, or begin a new run"
    )
    assert "another configuration" in _refused(run, engine, config="d")


def _repack(run: Run, change: Any) -> None:
    """The checkpoint's archive with its members as `change` ({name: bytes}) leaves them."""
    path = run.path / checkpoint.NAME
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    compression = change(members)
    with zipfile.ZipFile(path, "w", compression or zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(name, content)


def _bomb(members: dict[str, bytes]) -> int:
    members["archive/data/bomb"] = bytes(30 * 2**20)
    return zipfile.ZIP_DEFLATED


def test_members_that_unpack_to_more_than_the_file(run, engine, monkeypatch):
    """It is refused by what the archive says of itself: nothing is unpacked."""
    _repack(run, _bomb)
    assert os.path.getsize(run.path / checkpoint.NAME) < 2**20

    def unpack(*_: Any, **__: Any) -> None:
        pytest.fail("it was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "open", unpack)
    monkeypatch.setattr(torch, "load", unpack)
    assert "damaged" in _refused(run, engine)


def test_a_member_many_times(run, engine, monkeypatch):
    """Entries of the archive's directory that all name the same bytes."""
    path = run.path / checkpoint.NAME
    with zipfile.ZipFile(path, "a") as file:
        largest = max(file.infolist(), key=lambda member: member.file_size)
        file.filelist.extend([largest] * 1000)
        file._didModify = True
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("it was unpacked"))
    assert "damaged" in _refused(run, engine)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members(compression, run, engine):
    """torch writes none."""
    _repack(run, lambda members: compression)
    assert "damaged" in _refused(run, engine)


def test_numbers_that_claim_to_be_many(run, engine):
    """A view of one number, a billion times; nested lists of one and the same list."""
    content = _written(run)
    nested: list[Any] = []
    for _ in range(100):
        nested = [nested, nested]
    for odd in (torch.zeros(1).expand(10**12), [torch.zeros(1).expand(10**12)], nested):
        _write(run, content | {"tensors": [*content["tensors"], odd]})
        assert "damaged" in _refused(run, engine)


def test_lists_in_lists(run, engine):
    """So many that no function may look into them that calls itself."""
    _write(run, _written(run) | {"inputs": {"cell": "HERE"}})

    def nest(members: dict[str, bytes]) -> None:
        (name,) = (name for name in members if name.endswith("data.pkl"))
        text = b"X\x04\0\0\0HERE"  # as a pickle has it
        assert text in members[name]
        members[name] = members[name].replace(text, b"]" * 100_000 + b"a" * 99_999)

    _repack(run, nest)
    assert "damaged" in _refused(run, engine)


@pytest.mark.parametrize(
    "state",
    [
        "[" * 100_000 + "]" * 100_000, "[]", "{}", '{"dict": [["streams", "job"], [1, 2]]}',
        '{"dict": [["streams"], [{"dict": [[], []]}]]}',
        '{"dict": [["streams", "jobs"], [{"dict": [[], []]}, {"dict": [[], []]}]]}',
    ],
    ids=lambda state: state[:40],
)  # fmt: skip
def test_a_state_that_nastk_never_packs(state, run, engine):
    """Though its digest is right."""
    content = _written(run) | {"state": state, "tensors": []}
    content["digest"] = digest([content[name] for name in checkpoint._SAVED])
    _write(run, content)
    assert "damaged" in _refused(run, engine)


class _Forgetful(_Job):
    """A method that takes up its state, but for one part, without a word."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict({**state, "scores": []})


def _resaved(run: Run, engine: Engine, **changes: Any) -> dict[str, Any]:
    """A checkpoint that another nastk wrote: whole, and its job's state is not what this one expects."""
    content = _load(run, engine)
    state = {name: part for name, part in (content["job"] | changes).items() if part is not ...}
    checkpoint.save(run, engine, config="c", inputs=_Inputs("a"), step=2, wall_s=1.5, job=state)
    return _load(run, engine)


@pytest.mark.parametrize(
    ("job_class", "changes"),
    [
        (_Job, {"network": ...}),
        (_Job, {"optimizer": ...}),
        (_Job, {"scores": ...}),
        (_Job, {"network": {}}),
        (_Job, {"network": None}),
        (_Job, {"optimizer": {"lr": 0.1, "memory": []}}),
        (_Job, {"positions": torch.zeros(3, 3, dtype=torch.float64)}),
        (_Job, {"more": 1}),
        (_Forgetful, {}),
    ],
)
def test_a_job_that_does_not_take_its_state_up(job_class, changes, run, engine):
    content = _resaved(run, engine, **changes)
    with pytest.raises(
        RunError, match="the run cannot go on from it; is it damaged, or of another"
    ) as refused:
        checkpoint.restore(content, run, engine, job_class(engine))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < len(str(run.path)) + 350


@pytest.mark.parametrize(
    "error",
    [
        *(MemoryError(), OSError(5, "Input/output error"), torch.OutOfMemoryError(), KeyboardInterrupt()),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: ..."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_the_checkpoint_s_fault(error, run, engine, job):
    def fail(_: Any) -> None:
        raise error

    job.load_state_dict = fail
    with pytest.raises(type(error)) as raised:
        checkpoint.restore(_load(run, engine), run, engine, job)
    assert raised.value is error


def test_notes(run, engine, job, monkeypatch):
    content = _load(run, engine)
    assert checkpoint.notes(content, run, engine, job) == []
    run.last_logged = 5
    (note,) = checkpoint.notes(content, run, engine, job)
    assert note == f"{run.path / 'metrics.jsonl'} ends at step 5 of 3: nothing is added to it"
    run.last_logged = 1
    (note,) = checkpoint.notes(content, run, engine, job)
    assert note == f"{run.path / 'metrics.jsonl'} ends at step 1: the lines up to step 2 are lost"
    run.last_logged = -1
    (note,) = checkpoint.notes(content, run, engine, job)
    assert note == f"{run.path / 'metrics.jsonl'} is missing: the lines up to step 2 are lost"
    assert checkpoint.notes(content | {"step": 0}, run, engine, job) == []
    run.last_logged = 2
    monkeypatch.setattr(torch, "get_num_threads", lambda: content["threads"] + 1)
    (note,) = checkpoint.notes(content, run, engine, job)
    assert "results may differ in the last bits" in note
    engine.device = torch.device("cuda")  # where they compute nothing
    assert checkpoint.notes(content, run, engine, job) == []
