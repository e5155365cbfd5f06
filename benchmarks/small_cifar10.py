"""Searches and evaluations on CIFAR-10 with the small presets; prints the tables of docs/results.md.

    python benchmarks/small_cifar10.py --data-dir DIR --out DIR [--seeds 3] [--jobs 2] [KEY=VALUE ...]

DIR holds cifar10.npz and cifar100.npz. --jobs runs go on at a time, with one thread each: small
networks use a core better alone than two together. Runs are kept under --out and not repeated: the
command can be stopped and started again. Words KEY=VALUE go to every command (a tiny run:
data.max_train=1000 network.init_channels=2).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

# name: the words of the search. The few-shot presets' whole budget is that of their base.
METHODS = {
    "relativenas": ["--method", "relativenas"],
    "random": ["--method", "random"],
    "darts": ["--method", "darts"],
    "pdarts": ["--method", "pdarts"],
    "fewshot-darts": ["--method", "fewshot", "search.base=darts"],
    "fewshot-pdarts": ["--method", "fewshot", "search.base=pdarts"],
}
PUBLISHED = ("relativenas-cifar10", "darts-v2", "pdarts-cifar10")
NO_DROPOUT = "search.skip_dropout=[0.0,0.0,0.0]"
SKIP = "skip_connect"


def run(out: Path, name: str, words: list[str]) -> dict[str, Any]:
    """The summary of the nastk command, which is run (or continued) unless it has finished."""
    path = out / name
    if not (path / "summary.json").exists():
        how = (
            ["--resume", str(path)]
            if (path / "checkpoint.pt").exists()
            else ["--run-dir", str(path), *words[1:]]
        )
        subprocess.run([sys.executable, "-m", "nastk", words[0], *how, "--plain"], check=True, cwd=out)
    return json.loads((path / "summary.json").read_text())


def row(label: str, summaries: list[dict[str, Any]], figure: str) -> str:
    values = [summary[figure] if figure in summary else summary["score"]["value"] for summary in summaries]
    times = [summary["wall_s"] / 60 for summary in summaries]
    spread = f"{statistics.stdev(values):.2f}" if len(values) > 1 else "-"
    params = statistics.mean(summary["params"] for summary in summaries)
    return (
        f"| {label} | {statistics.mean(values):.2f} | {spread} | {', '.join(f'{value:.2f}' for value in values)} "
        f"| {params:,.0f} | {statistics.mean(times):.1f} ({min(times):.1f}-{max(times):.1f}) |"
    )


def skips(path: Path) -> str:
    """Skips of the normal and of the reduction cell; P-DARTS's before its refinement in brackets."""
    cells = json.loads((path / "genotype.json").read_text())
    counts = [sum(operation == SKIP for operation, _ in cells[name]) for name in ("normal", "reduce")]
    levels = [int(file.stem.split("_")[1]) for file in path.glob("skips_[0-9].json")]
    unrefined = f" [{max(levels)}]" if levels else ""
    return f"{counts[0]}{unrefined} / {counts[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    data = [
        "--data-dir",
        str(options.data_dir.resolve()),
        "--preset",
        "small",
        "engine.threads=1",
        *options.overrides,
    ]
    cifar10 = ["--dataset", "cifar10", *data]

    def search(name: str, method: str, seed: int, *words: str) -> dict[str, Any]:
        return run(out, name, ["search", *METHODS[method], "--seed", str(seed), *cifar10, *words])

    def search_and_evaluate(method: str, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        name = f"search-{method}-{seed}"
        found = search(name, method, seed)
        return found, evaluate(f"evaluate-{method}-{seed}", str(out / name), seed)

    def evaluate(name: str, arch: str, seed: int) -> dict[str, Any]:
        return run(out, name, ["evaluate", "--arch", arch, "--seed", str(seed), *cifar10])

    def results(futures: list[Future[Any]]) -> list[Any]:
        return [future.result() for future in futures]

    seeds = range(options.seeds)
    with ThreadPoolExecutor(options.jobs) as pool:
        found = {
            method: [pool.submit(search_and_evaluate, method, seed) for seed in seeds] for method in METHODS
        }
        free = [
            pool.submit(search, f"search-pdarts-no-dropout-{seed}", "pdarts", seed, NO_DROPOUT)
            for seed in seeds
        ]
        published = {
            name: [pool.submit(evaluate, f"evaluate-{name}-{seed}", name, seed) for seed in seeds]
            for name in PUBLISHED
        }
        found["relativenas"][0].result()
        words = ["transfer", "--task", "cifar100", "--arch", str(out / "search-relativenas-0"), *data]
        transfer = pool.submit(run, out, "transfer-cifar100-0", [*words, "--seed", "0"]).result()
    searches = {method: [one for one, _ in results(futures)] for method, futures in found.items()}
    evaluations = {method: [other for _, other in results(futures)] for method, futures in found.items()}
    evaluations |= {name: results(futures) for name, futures in published.items()}
    results(free)

    report(out, options, searches, evaluations, transfer)


def report(
    out: Path,
    options: argparse.Namespace,
    searches: dict[str, list[dict[str, Any]]],
    evaluations: dict[str, list[dict[str, Any]]],
    transfer: dict[str, Any],
) -> None:
    """The tables of searches, of evaluations and of skips, from the summaries of the runs."""
    first = searches["relativenas"][0]
    print(
        f"torch {first['versions']['torch']}, {first['device']}, presets small {' '.join(options.overrides)}\n"
    )
    header = "| {} | {}, mean | sd | one by one | parameters | minutes, mean (min-max) |\n|---|---|---|---|---|---|"
    print(header.format("search", "validation loss"))
    for method in METHODS:
        print(row(method, searches[method], "loss"))
    print("\n" + header.format("evaluation", "test accuracy in %"))
    for name, summaries in evaluations.items():
        print(row(f"cell of {name}" if name in METHODS else name, summaries, "test_accuracy"))
    print(row("transfer of a relativenas cell to cifar100", [transfer], "test_accuracy"))
    print(
        "\n| skips, normal [before refinement] / reduction | "
        + " | ".join(f"seed {seed}" for seed in range(options.seeds))
    )
    print("|---" * (options.seeds + 1) + "|")
    for name in (*METHODS, "pdarts-no-dropout"):
        print(
            "| "
            + " | ".join([name, *(skips(out / f"search-{name}-{seed}") for seed in range(options.seeds))])
            + " |"
        )


if __name__ == "__main__":
    main()
