"""How many threads there may be."""

from __future__ import annotations

import os
import threading

import pytest
import torch

from nastk.config import resolve
from nastk.engine.device import Engine
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
