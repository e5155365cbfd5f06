"""How good is the architecture that a search has chosen after so many questions? Prints a table of docs/results.md.

    python benchmarks/regret_curves.py nasbench201.npz [--seeds 100] [--queries 50 100 200 400]
        [--limits params=500k macs=50M]

Searches over NAS-Bench-201 choose by 12-epoch validation accuracy. Regret: the table's best 200-epoch test
accuracy minus that of the architecture chosen, in points. A query is an architecture not asked for before;
a search that has settled and asks no more keeps its choice. Intervals: percentile bootstrap over seeds.
With limits, of the benchmark's own networks, the choice is the best that is within them, and so is what it is
held against.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from nastk import registry
from nastk.config import resolve
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.estimators.estimator import NetworkInput
from nastk.estimators.table_scores import TableScores
from nastk.genotype import Genotype
from nastk.search_method import SearchContext
from nastk.stats import bootstrap_interval
from nastk.tables.kinds import NETWORK_INPUTS
from nastk.tables.table import Column, open_table
from nastk.workflows.pricing import Pricing

SPACE = "nasbench201"
MANY = 2000  # individuals, if that many are needed
METHODS = {
    "random": ("search.population=20", f"search.generations={MANY // 20}"),
    "relativenas": ("search.population=20", f"search.generations={MANY // 20}"),
    "evolution": ("search.population=20", "search.sample_size=5", f"search.evaluations={MANY}"),
}


def asked(
    method: str, dataset: str, table: Path, seed: int, queries: int, limits: Sequence[str] = ()
) -> list[str]:
    """The first `queries` architectures that a search asks for, fewer if it comes to its end."""
    words = [
        *(f"limits.{word}" for word in limits),
        "search.estimator=table",
        f"search.table={table}",
        f"space.name={SPACE}",
        f"data.dataset={dataset}",
    ]
    config = resolve(
        "search", method, "small", [*words, *METHODS[method], f"run.seed={seed}", "engine.device=cpu"]
    )
    space = registry.load_space(SPACE)

    def no_images() -> None:
        raise AssertionError("a table needs no images")

    engine = Engine(config.engine, config.run.seed)
    pricing = Pricing(config, space, engine, Progress())
    context = SearchContext(config, space, space.full_mask(), engine, no_images, pricing.limit)  # type: ignore[arg-type]
    search = registry.METHODS[method].load()(context)
    scores: TableScores = search.estimator
    while len(scores.asked) < queries and search.num_done < search.num_steps - 1:
        search.step()
    return list(scores.asked)[:queries]


def within(archs: Sequence[str], dataset: str, limits: Sequence[str]) -> set[str]:
    """Those whose networks, the benchmark's, are within the limits."""
    settings = ["search.estimator=table", *(f"limits.{word}" for word in limits)]
    config, space = resolve("search", "random", "small", settings), registry.load_space(SPACE)
    pricing = Pricing(config, space, Engine(config.engine, 0), Progress())
    prices = pricing.prices(NetworkInput(*NETWORK_INPUTS[dataset]))
    return {arch for arch in archs if pricing.limits.excess(prices.of(Genotype(SPACE, arch))) == 0}


def regret(archs: Sequence[str], validation: Column, test: Column, allowed: set[str] | None = None) -> float:
    """Of the architecture with the best validation accuracy, the first of equals; allowed: of these only."""
    rows = [validation.rows[arch] for arch in archs if allowed is None or arch in allowed]
    chosen = rows[int(np.argmax(validation.values[rows]))]
    best = test.values.max() if allowed is None else max(test.values[test.rows[arch]] for arch in allowed)
    return float(best - test.values[chosen])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--queries", type=int, nargs="+", default=[50, 100, 200, 400])
    parser.add_argument("--limits", nargs="+", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table, started = open_table(options.table), time.monotonic()
    print(
        f"{options.table.name}, {options.seeds} seeds{''.join(f', {word}' for word in options.limits)}: "
        "mean regret in points of test accuracy (95 % interval)\n"
    )
    print("| data set | search | " + " | ".join(f"{queries} queries" for queries in options.queries) + " |")
    print("|---|---|" + "---|" * len(options.queries))
    for dataset in table.datasets:
        validation, test = table.column("val_acc_12", dataset), table.column("test_acc_200", dataset)
        allowed = within(validation.archs, dataset, options.limits)
        for method in METHODS:
            runs = [
                asked(method, dataset, options.table, seed, max(options.queries), options.limits)
                for seed in range(options.seeds)
            ]
            cells = []
            for queries in options.queries:
                found = np.array([regret(run[:queries], validation, test, allowed) for run in runs])
                low, high = bootstrap_interval(
                    lambda drawn, found=found: float(found[drawn].mean()),
                    len(found),
                    generator=np.random.default_rng(0),
                )
                cells.append(f"{found.mean():.2f} ({low:.2f}-{high:.2f})")
            print(f"| {dataset} | {method} | " + " | ".join(cells) + " |", flush=True)
            lengths = sorted(map(len, runs))
            print(f"{dataset}, {method}: {lengths[0]} to {lengths[-1]} queries", file=sys.stderr)
        everything = regret(validation.archs, validation, test, allowed)
        cells = [f"{everything:.2f}"] * len(options.queries)
        print(f"| {dataset} | all {len(allowed):,} asked | " + " | ".join(cells) + " |")
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
