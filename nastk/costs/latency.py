"""Latency tables: the milliseconds that each building block takes on one device, for one image.

What a network takes is predicted as the sum over its blocks; docs/results.md says how well that holds.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nastk.engine.device import Engine
from nastk.json_text import read_json
from nastk.networks.blocks import Block, Shape

FORMAT, VERSION = "nastk-latency", 1
SAMPLES = 25  # of a block, whose lower quartile counts: others only make it slower
SAMPLE_S = 0.002  # that a sample takes about: shorter ones are the clock's


@dataclass(frozen=True)
class LatencyTable:
    """blocks: kind of block -> its {"ms", "spread_ms", "runs"}: the lower quartile, the interquartile range, and of
    how many.

    about: device, threads, precision, processor, versions and when it was made, as texts and numbers.
    """

    about: dict[str, Any]
    blocks: dict[str, dict[str, float]]

    @classmethod
    def measure(cls, blocks: Iterable[Block], engine: Engine) -> LatencyTable:
        """Of all kinds among `blocks`."""
        kinds = {block.kind: block for block in blocks}
        with engine.in_force():
            rows = time_modules([(block.build(), block.shapes) for block in kinds.values()], engine)
            about = about_device(engine) | {"made": time.strftime("%Y-%m-%d")}
        return cls(about, dict(zip(kinds, rows, strict=True)))

    @classmethod
    def read(cls, path: Path) -> LatencyTable:
        """ValueError, which names the file, for one that is no such table."""
        try:
            content = read_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ValueError(f"{path} cannot be read as a latency table: {reason}") from None
        if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (
            FORMAT,
            VERSION,
        ):
            raise ValueError(f"{path} is no latency table of nastk (format {FORMAT!r}, version {VERSION})")
        blocks = content.get("blocks")
        if not isinstance(blocks, dict):
            raise ValueError(f"{path}: blocks: expected an object")
        for kind, row in blocks.items():
            milliseconds = row.get("ms") if isinstance(row, dict) else None
            if (
                not isinstance(milliseconds, (int, float))
                or isinstance(milliseconds, bool)
                or milliseconds < 0
            ):
                raise ValueError(f'{path}: blocks: {kind[:80]!r}: expected {{"ms": a number from 0 up}}')
        about = content.get("about")
        return cls(about if isinstance(about, dict) else {}, blocks)

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "version": VERSION, "about": self.about, "blocks": self.blocks}

    def milliseconds(self, block: Block) -> float:
        """ValueError for a block that was not measured."""
        if block.kind not in self.blocks:
            raise ValueError(
                f"limits.latency_table: it does not have the block {block.kind!r}; nastk latency measures all that "
                "networks of this size have"
            )
        return float(self.blocks[block.kind]["ms"])


def about_device(engine: Engine) -> dict[str, Any]:
    """What latencies depend on, apart from the network."""
    return {
        "device": torch.cuda.get_device_name() if engine.device.type == "cuda" else "cpu",
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "precision": engine.precision,
        "images": 1,
        "versions": {
            "nastk": version("nastk"),
            "torch": version("torch"),
            "python": platform.python_version(),
        },
    }


def time_modules(
    modules: Sequence[tuple[nn.Module, Sequence[Shape]]], engine: Engine
) -> list[dict[str, float]]:
    """One image through each module in eval mode, on the engine's device: lower quartile and spread in ms, number
    of runs.

    modules: with the [C, H, W] of their inputs. They take turns, so that what disturbs the machine for a while
    disturbs them alike. With one CPU thread it is the time of the CPU, in which what else the machine does is not
    counted. (torch.utils.benchmark would do, but looks for a compiler when it is imported, and says so on stderr.)
    """
    with torch.inference_mode(), engine.autocast():
        timers = [_Timer(module, shapes, engine) for module, shapes in modules]
        samples: list[list[float]] = [[] for _ in timers]
        for _ in range(SAMPLES):
            for timer, found in zip(timers, samples, strict=True):
                found.append(timer.seconds(timer.runs))
    rows = []
    for timer, found in zip(timers, samples, strict=True):
        first, third = (sorted(found)[SAMPLES * quarter // 4] * 1000 for quarter in (1, 3))
        rows.append({"ms": first, "spread_ms": third - first, "runs": timer.runs * SAMPLES})
    return rows


class _Timer:
    """A module that is ready to be timed, and how many runs take about SAMPLE_S."""

    def __init__(self, module: nn.Module, shapes: Sequence[Shape], engine: Engine) -> None:
        self.module = engine.place(module).eval()
        self.inputs = [
            torch.rand(1, *shape).to(engine.device, memory_format=engine.layout) for shape in shapes
        ]
        self.on_gpu = engine.device.type == "cuda"
        alone = not self.on_gpu and torch.get_num_threads() == 1
        self.clock = time.process_time if alone else time.perf_counter
        self.seconds(3)  # what is done once
        self.runs = max(1, round(SAMPLE_S / self.seconds(3)))

    def seconds(self, runs: int) -> float:
        began = self.clock()
        for _ in range(runs):
            self.module(*self.inputs)
        if self.on_gpu:
            torch.cuda.synchronize()
        return (self.clock() - began) / runs


def _processor() -> str:
    """The processor's name as the system has it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
