"""How many threads there may be, in which layout maps are, and what PyTorch is told and told no longer."""

from __future__ import annotations

import os
import threading

import pytest
import torch
from torch import nn

from nastk.archs import load_arch
from nastk.config import resolve
from nastk.engine import device
from nastk.engine.device import Engine
from nastk.engine.layout import LAYOUTS, WARM_UP, fastest, fastest_layout
from nastk.networks.cell_network import CellNetwork
from nastk.schema import EngineConfig


@pytest.mark.parametrize("num", [1025, 20_000, 1_000_000, 10**30])
def test_more_threads_than_any_machine_runs(num):
    """PyTorch takes any number, and crashes."""
    with pytest.raises(ValueError, match=r"^engine\.threads: expected at most 1024, found \d+$"):
        resolve("search", "random", "quick", [f"engine.threads={num}"])


def test_more_threads_than_the_system_allows(monkeypatch):
    """They are tried, and end again; PyTorch is not asked."""
    before, left, start = threading.active_count(), iter(range(5)), threading.Thread.start

    def start_some(thread):
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda num: pytest.fail("PyTorch was asked"))
    monkeypatch.setattr(threading.Thread, "start", start_some)
    with pytest.raises(ValueError, match=r"engine\.threads: expected at most 6, .* found 7"):
        Engine(EngineConfig(device="cpu", threads=7), 0)
    assert threading.active_count() == before


def test_more_threads_than_cores():
    num = (os.cpu_count() or 1) + 3
    engine = Engine(EngineConfig(device="cpu", threads=num), 0)
    with engine.in_force():
        assert torch.get_num_threads() == num
        assert float(torch.ones(1_000_000).sum()) == 1_000_000  # with all of them


def test_as_many_threads_as_cores_are_not_tried(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("it was tried"))
    with Engine(EngineConfig(device="cpu", threads=1), 0).in_force():
        assert torch.get_num_threads() == 1


def layouts_of_maps(layout: str, channels: int) -> set[tuple[bool, bool]]:
    """Of all maps that convolutions give in an engine's layout: whether they are NCHW, and whether channels-last."""
    net = CellNetwork(
        load_arch("darts-v2").genotype, init_channels=8, num_cells=3, num_classes=5, channels_in=channels
    )
    placed = Engine(EngineConfig(device="cpu", layout=layout), 0).place(net)
    found = set()

    def look(_module: nn.Module, _inputs: object, y: torch.Tensor) -> None:
        found.add((y.is_contiguous(), y.is_contiguous(memory_format=torch.channels_last)))

    for module in placed.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(look)
    images = torch.randn(4, 16, 16, channels).permute(0, 3, 1, 2)
    placed(images)[0].sum().backward()
    return found


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("layout", "maps"),
    [("contiguous", (True, False)), ("channels_last", (False, True)), ("auto", (False, True))],
)
def test_maps_are_in_the_layout_that_is_asked_for(layout, maps, channels, monkeypatch):
    """Whatever the images are in; nothing is tried on a CPU."""
    monkeypatch.setattr(device, "fastest_layout", lambda *_: pytest.fail("it was tried"))
    assert layouts_of_maps(layout, channels) == {maps}


def test_layouts_are_probed_on_cuda_unless_the_same_bits_are_asked_for(monkeypatch):
    monkeypatch.setattr(device, "fastest_layout", lambda *_: "contiguous")
    for settings, expected in (
        ({}, "contiguous"),
        ({"deterministic": True}, "channels_last"),
        ({"layout": "channels_last"}, "channels_last"),
    ):
        engine = Engine(EngineConfig(device="cpu", **settings), 0)
        engine.device = torch.device("cuda")
        assert engine.layout is LAYOUTS[expected]


def test_the_fastest_is_found_behind_the_warm_up():
    """The first calls of each do not count, and of the others the least."""
    first, second = [0.1] * WARM_UP + [3.0, 9, 9, 9, 9], [7.0] * WARM_UP + [4.0] * 5
    turns = []

    def take(name, seconds):
        turns.append(name)
        return seconds.pop(0)

    assert fastest({"a": lambda: take("a", first), "b": lambda: take("b", second)}) == "a"
    assert turns[:4] == ["a", "b", "a", "b"]
    assert not first and not second


def test_the_probe_runs():
    assert fastest_layout(torch.device("cpu"), "fp32") in LAYOUTS


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_what_cuda_is_told_is_told_no_longer(deterministic, before, monkeypatch):
    """Without a CUDA device: PyTorch keeps these settings anyway."""
    cudnn = torch.backends.cudnn
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    def told():
        return (
            cudnn.benchmark,
            cudnn.deterministic,
            torch.are_deterministic_algorithms_enabled(),
            os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        )

    engine = Engine(EngineConfig(device="cpu", deterministic=deterministic), 0)
    with engine.in_force():
        assert told() == (False, False, False, None)  # a CPU needs none of it
    engine.device = torch.device("cuda")
    with cudnn.flags(benchmark=before, deterministic=before, allow_tf32=True):
        if before:
            monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        outside = told()
        with engine.in_force():
            assert told() == (
                (False, True, True, ":4096:8") if deterministic else (True, before, False, outside[3])
            )
        assert told() == outside
        assert cudnn.allow_tf32
