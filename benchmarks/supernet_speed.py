"""Time and memory of a training step: nastk's networks against the plain definition.

    python benchmarks/supernet_speed.py [--cases supernet pdarts path network] [--repeats 5] [--threads 1]

Prints CPU seconds a step, from zero_grad to the optimiser's step (running statistics kept), the medians of the
paired ratios plain / nastk and plain channels-last / nastk with their ranges, all interleaved in one process, and for
the cases that have a goal for it the peak resident memory, each in a process of its own, with engine.recompute too.
Plain: every edge its own list of operations, PyTorch's own modules, NCHW.
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
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parent))

import torch
from plain_supernet import PlainSupernet, separable
from torch import Tensor, nn

from nastk.archs import load_arch
from nastk.engine.optimizers import SGD
from nastk.engine.recomputation import set_recomputing
from nastk.networks.cell_network import CellNetwork
from nastk.networks.cell_supernet import CellSupernet
from nastk.networks.gates import Gates, one_hot, soft, uniform_path
from nastk.networks.operations import FactorizedReduce, SeparableConv
from nastk.spaces.cell import DARTS, RELATIVENAS, CellSpace
from nastk.spaces.derivation import shrink
from nastk.spaces.mask import Mask
from nastk.weight_sharing.memory import depths

KINDS = ("plain", "plain, channels-last", "nastk")
RECOMPUTING = "nastk, engine.recompute"  # of the cases whose memory is measured
Step = Callable[[], float]  # -> the loss


def mixture(kind: str, batch_size: int, *, num_cells: int, kept: int) -> Step:
    """Softmax gates that need gradients, of the deepest `kept` operations of every edge."""
    mask = (
        DARTS.full_mask() if kept == len(DARTS.operations) else shrink(DARTS.full_mask(), depths(DARTS), kept)
    )
    alphas = torch.zeros(len(DARTS.decisions), len(DARTS.operations)).requires_grad_()
    return supernet(
        kind, DARTS, mask, batch_size, num_cells=num_cells, gates=lambda: soft(alphas.softmax(dim=-1), mask)
    )


def path(kind: str, batch_size: int, *, published: bool) -> Step:
    """One operation an edge, or none: the published cell of RelativeNAS, or a random one."""
    space, mask = RELATIVENAS, RELATIVENAS.full_mask()
    genotype = load_arch("relativenas-cifar10").genotype
    gates = one_hot(space.path(genotype), len(space.decisions))
    if not published:
        gates = uniform_path(mask, torch.Generator().manual_seed(0))
    return supernet(kind, space, mask, batch_size, num_cells=8, gates=lambda: gates)


def supernet(
    kind: str, space: CellSpace, mask: Mask, batch_size: int, *, num_cells: int, gates: Callable[[], Gates]
) -> Step:
    build = CellSupernet if kind.startswith("nastk") else PlainSupernet
    net = build(space, mask, init_channels=16, num_cells=num_cells, num_classes=10)
    return step_of(kind, net, batch_size, lambda images: net(images, gates()))


def network(kind: str, batch_size: int) -> Step:
    """The evaluation network of DARTS_V2."""
    net = CellNetwork(load_arch("darts-v2").genotype, init_channels=36, num_cells=20, num_classes=10)
    if not kind.startswith("nastk"):
        replace_operations(net)
    return step_of(kind, net, batch_size, lambda images: net(images)[0])


def step_of(kind: str, net: nn.Module, batch_size: int, forward: Callable[[Tensor], Tensor]) -> Step:
    layout = torch.contiguous_format if kind == "plain" else torch.channels_last
    net.to(memory_format=layout)
    set_recomputing(net, kind == RECOMPUTING)
    images = torch.randn(batch_size, 3, 32, 32).contiguous(memory_format=layout)
    labels = torch.arange(batch_size) % 10
    optimizer = SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=3e-4)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(forward(images), labels)
        loss.backward()
        optimizer.step()
        assert torch.isfinite(loss)
        return loss.item()

    return step


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

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))

    def rectified(self, x: Tensor, _: None) -> Tensor:
        return self(x)


@dataclass(frozen=True)
class Case:
    """make(kind, batch size) -> a step; memory: whether its peak is measured."""

    name: str
    batch_size: int
    make: Callable[[str, int], Step]
    memory: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*KINDS, RECOMPUTING) if self.memory else KINDS


def build_cases() -> dict[str, list[Case]]:
    def stage(num_cells: int, kept: int) -> Callable[[str, int], Step]:
        return lambda kind, size: mixture(kind, size, num_cells=num_cells, kept=kept)

    return {
        "supernet": [
            Case("DARTS supernet, 8 cells", 64, stage(8, 8), memory=True),
            Case("DARTS supernet, 8 cells", 16, stage(8, 8)),
        ],
        "pdarts": [
            Case(f"P-DARTS, {num_cells} cells, {kept} operations an edge", 32, stage(num_cells, kept))
            for num_cells, kept in ((5, 8), (11, 5), (17, 3))
        ],
        "path": [
            Case("a path: RelativeNAS's cell", 64, lambda kind, size: path(kind, size, published=True)),
            Case("a path: random operations", 64, lambda kind, size: path(kind, size, published=False)),
        ],
        "network": [Case("network of darts-v2, 36 channels, 20 cells", 8, network, memory=True)],
    }


CASES = build_cases()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--batch-sizes", nargs="+", type=int, help="only cases with these")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peak-of", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak_of:
        group, position, kind = options.peak_of
        case = CASES[group][int(position)]
        step = case.make(kind, case.batch_size)
        step(), step()
        print(peak_mib())
        return
    print(
        f"torch {torch.__version__}, {platform.machine()}, {options.threads} threads, n = {options.repeats}\n\n"
        "| case | batch | plain, s | plain channels-last, s | nastk, s | plain / nastk | channels-last / nastk | "
        "recomputing, s | peak MiB of the kinds |\n|---|---|---|---|---|---|---|---|---|"
    )
    for group in options.cases:
        for position, case in enumerate(CASES[group]):
            if options.batch_sizes is None or case.batch_size in options.batch_sizes:
                print(row(group, position, case, options), flush=True)


def row(group: str, position: int, case: Case, options: argparse.Namespace) -> str:
    times = measure(case, options.repeats)
    peaks = []
    for kind in case.kinds if case.memory else ():
        command = [sys.executable, __file__, f"--threads={options.threads}"]
        command += ["--peak-of", group, str(position), kind]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    ratios = [
        [a / b for a, b in zip(times[kind], times["nastk"], strict=True)] for kind in KINDS if kind != "nastk"
    ]
    cells = [case.name, str(case.batch_size), *(spell(times[kind]) for kind in KINDS), *map(spell, ratios)]
    cells.append(spell(times[RECOMPUTING]) if case.memory else "")
    return f"| {' | '.join(cells)} | {', '.join(f'{peak:,.0f}' for peak in peaks)} |"


def measure(case: Case, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of every kind's steps, interleaved, behind one to warm up."""
    torch.manual_seed(0)
    steps = {kind: case.make(kind, case.batch_size) for kind in case.kinds}
    losses = [step() for step in steps.values()]
    assert max(losses) - min(losses) < 0.5, losses  # other initial draws, but the same kind of net
    times: dict[str, list[float]] = {kind: [] for kind in case.kinds}
    for _ in range(repeats):
        for kind, step in steps.items():
            started = time.process_time()
            step()
            times[kind].append(time.process_time() - started)
    return times


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
