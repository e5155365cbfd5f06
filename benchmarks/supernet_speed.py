"""Time and memory of a training step: nastk's networks against the plain definition.

    python benchmarks/supernet_speed.py [--batch-size 64] [--repeats 7] [--threads 2]

Prints, interleaved in one process: seconds a step (forward, backward; running statistics kept), the
median of the paired ratios plain / nastk with their range, and the peak resident memory of a step,
each in a process of its own. Plain: every edge its own list of operations, NCHW.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parent))

import torch
from plain_supernet import PlainSupernet, separable
from torch import nn

from nastk.archs import load_arch
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import soft
from nastk.networks.operations import FactorizedReduce, SeparableConv
from nastk.spaces.cell import DARTS


def supernet_step(kind: str, options: argparse.Namespace) -> Callable[[], float]:
    """A step of the DARTS supernet with softmax gates that need gradients."""
    layout = torch.contiguous_format if kind == "plain" else torch.channels_last
    build = CellSupernet if kind == "nastk" else PlainSupernet
    torch.manual_seed(0)
    mask = DARTS.full_mask()
    net = build(
        DARTS,
        mask,
        init_channels=options.init_channels,
        num_cells=options.num_cells,
        num_classes=10,
    ).to(memory_format=layout)
    alphas = torch.randn(len(DARTS.decisions), len(DARTS.operations)).mul(1e-3).requires_grad_()
    images, labels = batch(options.batch_size, layout)

    def step() -> float:
        return backward(net, net(images, soft(alphas.softmax(dim=-1), mask)), labels)

    return step


def network_step(kind: str, options: argparse.Namespace) -> Callable[[], float]:
    """A step of the evaluation network of DARTS_V2."""
    layout = torch.contiguous_format if kind == "plain" else torch.channels_last
    torch.manual_seed(0)
    net = CellNetwork(load_arch("darts-v2").genotype, init_channels=36, num_cells=20, num_classes=10)
    if kind != "nastk":
        replace_operations(net)
    net = net.to(memory_format=layout)
    images, labels = batch(options.network_batch_size, layout)
    return lambda: backward(net, net(images)[0], labels)


def replace_operations(net: CellNetwork) -> None:
    """Put PyTorch's own modules, as the papers write them, where nastk has its faster ones."""
    for parent in list(net.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, SeparableConv):
                first = module.stages[0]["depthwise"]
                channels, kernel = first.in_channels, first.kernel_size[0]
                layers = separable(channels, kernel, first.stride[0], first.dilation[0], True)
                if len(module.stages) == 2:
                    layers += separable(channels, kernel, 1, 1, True)
                setattr(parent, name, nn.Sequential(*layers))
            elif isinstance(module, FactorizedReduce):
                setattr(parent, name, PlainReduce(module))


class PlainReduce(nn.Module):
    """FactorizedReduce with stride-2 convolutions over the whole map."""

    def __init__(self, module: FactorizedReduce) -> None:
        super().__init__()
        self.even, self.odd, self.norm = module.even, module.odd, module.norm
        self.even.stride = self.odd.stride = (2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))

    def rectified(self, x: torch.Tensor, _: None) -> torch.Tensor:
        return self(x)


def batch(size: int, layout: torch.memory_format) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(size, 3, 32, 32).contiguous(memory_format=layout), torch.arange(size) % 10


def backward(net: nn.Module, logits: torch.Tensor, labels: torch.Tensor) -> float:
    for parameter in net.parameters():
        parameter.grad = None
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    assert torch.isfinite(loss)
    return loss.item()


KINDS = ("plain", "plain, channels-last", "nastk")
STEPS = {"supernet": supernet_step, "network": network_step}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--network-batch-size", type=int, default=8)
    parser.add_argument("--init-channels", type=int, default=16)
    parser.add_argument("--num-cells", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak_of:
        what, kind = options.peak_of
        step = STEPS[what](kind, options)
        step(), step()
        print(peak_mib())
        return
    print(
        f"torch {torch.__version__}, {platform.machine()}, {options.threads} threads, {options.repeats} repeats"
    )
    for what, make in STEPS.items():
        size = options.batch_size if what == "supernet" else options.network_batch_size
        print(f"\n{what}, batch {size}")
        print("| variant | s a step, median (min-max) | plain / variant | peak MiB |\n|---|---|---|---|")
        steps = {kind: make(kind, options) for kind in KINDS}
        losses = {kind: step() for kind, step in steps.items()}  # warm-up
        if what == "supernet":
            spread = max(losses.values()) - min(losses.values())
            assert spread < 0.5, losses  # other initial draws, but the same kind of net
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(options.repeats):
            for kind, step in steps.items():
                started = time.perf_counter()
                step()
                times[kind].append(time.perf_counter() - started)
        del steps
        for kind in KINDS:
            ratios = [a / b for a, b in zip(times["plain"], times[kind], strict=True)]
            command = [sys.executable, __file__, "--peak-of", what, kind, *sys.argv[1:]]
            peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(f"| {kind} | {spell(times[kind])} | {spell(ratios)} | {peak:,.0f} |", flush=True)


def peak_mib() -> float:
    """Peak resident memory of this process. Not getrusage's: a new process inherits its parent's there."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


def spell(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
