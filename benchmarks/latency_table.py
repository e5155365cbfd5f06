"""How well does the sum over building blocks say what a whole network takes? Prints a table of docs/results.md.

    python benchmarks/latency_table.py [--networks 40] [--threads 1] [--device cpu]

For every space with networks: a table of its building blocks is measured, then random architectures are
built and timed whole, one image at a time. Error: predicted against measured, in %; the bias is its median.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from nastk import registry
from nastk.costs.latency import LatencyTable, about_device, time_modules
from nastk.costs.prices import Prices
from nastk.engine.device import Engine
from nastk.networks.blocks import NetworkSettings
from nastk.populations import encoding
from nastk.schema import EngineConfig
from nastk.stats import kendall_tau_b, spearman
from nastk.workflows.latency import building_blocks

SIZES = {
    "darts": (
        NetworkSettings(12, 5, 10, 3, (32, 32)),
        NetworkSettings(36, 20, 10, 3, (32, 32)),
    ),
    "relativenas": (NetworkSettings(12, 5, 10, 1, (8, 8)), NetworkSettings(36, 20, 10, 3, (32, 32))),
    "nasbench201": (NetworkSettings(16, 15, 10, 3, (32, 32)),),
}


def compare(name: str, size: NetworkSettings, engine: Engine, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and measured ms of `num` random architectures."""
    space, entry = registry.load_space(name), registry.space_entry(name)
    blocks = building_blocks(space, size)
    table = LatencyTable.measure(blocks, engine)
    prices = Prices(space, blocks, table.milliseconds)
    codec = space.codec(space.full_mask())
    predicted, networks = [], []
    for position in encoding.draw(codec, num, torch.Generator().manual_seed(0)):
        genotype = encoding.decode(codec, position)
        network = entry.load_network()(
            genotype,
            init_channels=size.init_channels,
            num_cells=size.num_cells,
            num_classes=size.num_classes,
            channels_in=size.channels_in,
        )
        predicted.append(prices.of(genotype).latency_ms)
        networks.append((network, [size.image_shape]))
    measured = [row["ms"] for row in time_modules(networks, engine)]
    return np.array(predicted), np.array(measured)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    engine = Engine(EngineConfig(device=options.device, threads=options.threads), 0)
    with engine.in_force():
        about = about_device(engine)
        print(
            f"{about['device']}, {about['processor']}, {about['threads']} threads, torch {torch.__version__}\n"
        )
        print(
            "| space | network | n | measured, ms (median, range) | Kendall tau-b | Spearman "
            "| bias, % | error after the bias, % (median, 90 %) |\n|---|---|---|---|---|---|---|---|"
        )
        for name, sizes in SIZES.items():
            for size in sizes:
                predicted, measured = compare(name, size, engine, options.networks)
                errors = 100 * (predicted / measured - 1)
                bias = float(np.median(errors))
                rest = np.abs(100 * (predicted / measured / (1 + bias / 100) - 1))
                cells = [
                    name,
                    f"{size.init_channels} channels, {size.num_cells} cells, {size.image_size[0]} px",
                    str(len(measured)),
                    f"{np.median(measured):.1f} ({measured.min():.1f}-{measured.max():.1f})",
                    f"{kendall_tau_b(predicted, measured):.3f}",
                    f"{spearman(predicted, measured):.3f}",
                    f"{bias:+.0f}",
                    f"{np.median(rest):.1f}, {np.quantile(rest, 0.9):.1f}",
                ]
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
