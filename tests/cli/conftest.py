"""The command line in this process, small runs, and what must be equal of two runs."""

from __future__ import annotations

import configparser
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from command_lines import EVALUATE, SEARCH

from nastk import cli, registry
from nastk.networks import weights


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.err.splitlines()[-1]


Install = Callable[[str, dict[str, str]], Path]


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With one thread, as the small runs ask for, and as many as before when the test is over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NASTK_DATA", raising=False)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def nastk(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command line in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def finished_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One uninterrupted search and one evaluation, to compare with; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, arguments in (("search", SEARCH), ("evaluate", EVALUATE)):
            assert cli.run([*arguments, "--run-dir", name]) == 0
    return {name: folder / name for name in ("search", "evaluate")}


@pytest.fixture
def write_npz(tmp_path: Path) -> Callable[..., Path]:
    """Writes NAME.npz of 8 x 8 grey noise, `per_class` training images in each class."""

    def write(
        name: str = "set", *, classes: int = 2, side: int = 8, per_class: int = 8, **changes: Any
    ) -> Path:
        random = np.random.default_rng(0)
        arrays: dict[str, Any] = {}
        for split in ("train", "test"):
            arrays[f"y_{split}"] = np.arange(classes * per_class) % classes
            shape = (classes * per_class, side, side)
            arrays[f"x_{split}"] = random.integers(0, 256, shape, dtype=np.uint8)
        path = tmp_path / f"{name}.npz"
        np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})
        return path

    return write


@pytest.fixture
def result_of() -> Callable[[Path], dict[str, Any]]:
    """All that a run leaves, without the seconds it took."""
    return read_result


@pytest.fixture
def install(tmp_path_factory, monkeypatch) -> Iterator[Install]:
    """A function (setup.cfg, path -> text): puts such a package on the path, as pip would."""
    packages: set[str] = set()

    def put(setup: str, files: dict[str, str]) -> Path:
        parser = configparser.ConfigParser()
        parser.read_string(setup)
        name, version = parser["metadata"]["name"], parser["metadata"]["version"]
        site = tmp_path_factory.mktemp("site")
        groups = "".join(f"[{group}]\n{lines}\n" for group, lines in parser["options.entry_points"].items())
        information = f"{name.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        everything = {f"{information}/METADATA": metadata, f"{information}/entry_points.txt": groups} | files
        for path, text in everything.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_text(text, encoding="utf-8")
        packages.update(Path(path).parts[0].removesuffix(".py") for path in files)
        monkeypatch.syspath_prepend(site)
        registry._plugins.cache_clear()
        return site

    yield put
    registry._plugins.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


def read_result(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(run.iterdir()):
        if path.name == "metrics.jsonl":
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[path.name] = [{k: v for k, v in row.items() if k != "time_s"} for row in rows]
        elif path.name == "summary.json":
            found[path.name] = {k: v for k, v in json.loads(path.read_text()).items() if k != "wall_s"}
        elif path.name == "checkpoint.pt":
            content = torch.load(path, weights_only=True)
            content.pop("wall_s")
            found[path.name] = _comparable(content)
        elif path.name == "result.txt":
            found[path.name] = re.sub(r", \d+ s$", "", path.read_text(), flags=re.MULTILINE)
        elif path.suffix == ".safetensors":  # whose header is in no certain order
            loaded = weights.load(path)
            found[path.name] = _comparable(loaded.tensors), loaded.genotype, loaded.network, loaded.data
        else:
            found[path.name] = path.read_bytes()
    return found


def _comparable(value: Any) -> Any:
    """Tensors as their type, shape and bits."""
    if isinstance(value, torch.Tensor):
        raw = value.contiguous().reshape(-1).view(torch.uint8) if value.numel() else value
        return str(value.dtype), tuple(value.shape), raw.numpy().tobytes()
    if isinstance(value, dict):
        return {name: _comparable(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_comparable(entry) for entry in value]
    return value
