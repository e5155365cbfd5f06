"""What engine.compile costs and gains: seconds to compile, and a training step's CPU time, eager against compiled.

    python benchmarks/compile_gain.py network|supernet [--init-channels 16] [--num-cells 3] [--batch-size 64]

network: of darts-v2; supernet: of NAS-Bench-201, an architecture's gates needing no gradient, as in a weight step.
One thread; CPU time of this process and of the compiler's; steps (forward and backward) take turns. Whatever was
compiled before is not looked at.
"""

from __future__ import annotations

import argparse
import copy
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nastk.archs import load_arch
from nastk.engine.compiling import Compiled
from nastk.networks.cell_network import CellNetwork
from nastk.networks.gates import soft
from nastk.networks.nasbench201 import NASBench201Supernet
from nastk.networks.regions import Regional
from nastk.spaces.nasbench201 import NASBENCH201


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["network", "supernet"])
    parser.add_argument("--init-channels", type=int, default=16)
    parser.add_argument("--num-cells", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty
        measure(options)


def measure(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net, call = made(options)
    net = net.to(memory_format=torch.channels_last).train()
    images = torch.randn(options.batch_size, 3, options.side, options.side)
    images = images.contiguous(memory_format=torch.channels_last)
    compiled = copy.deepcopy(net)
    compiled.compile_cells(lambda region: Compiled(region, options.batch_size, torch.device("cpu")))

    def step(one: Regional) -> Tensor:
        one.zero_grad()
        loss = nn.functional.cross_entropy(call(one, images), torch.arange(options.batch_size) % 10)
        loss.backward()
        return loss.detach()

    expected = step(net)
    began, wall = cpu_seconds(), time.monotonic()
    torch.testing.assert_close(step(compiled), expected, rtol=1e-4, atol=1e-4)
    print(f"first step: {cpu_seconds() - began:.0f} CPU s, {time.monotonic() - wall:.0f} s", flush=True)
    seconds: dict[str, list[float]] = {"eager": [], "compiled": []}
    step(net), step(compiled)
    for _ in range(options.repeats):
        for name, one in (("eager", net), ("compiled", compiled)):
            began = time.process_time()
            step(one)
            seconds[name].append(time.process_time() - began)
    for name, found in seconds.items():
        print(f"{name}: {spell(found)} s a step")
    ratios = [a / b for a, b in zip(seconds["eager"], seconds["compiled"], strict=True)]
    print(f"eager / compiled: {spell(ratios)}, n = {options.repeats}, torch {torch.__version__}")


def made(options: argparse.Namespace) -> tuple[Regional, Callable[[Regional, Tensor], Tensor]]:
    size = {"init_channels": options.init_channels, "num_cells": options.num_cells, "num_classes": 10}
    if options.what == "network":
        return CellNetwork(load_arch("darts-v2").genotype, **size), lambda net, images: net(images)[0]
    mask = NASBENCH201.full_mask()
    weights = torch.randn(6, 5).mul(1e-3).softmax(dim=-1)
    return NASBench201Supernet(NASBENCH201, mask, **size), lambda net, images: net(
        images, soft(weights, mask)
    )


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def spell(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    main()
