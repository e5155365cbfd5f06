"""The tables of benchmarks/ranking.py, and its assertions. Legend: S seeds, N architectures, T seeds of the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from ranking_network import SPACE

from nastk import stats
from nastk.genotype import Genotype
from nastk.spaces.mask import Mask
from nastk.splitting.tree import SplitTree

COMPARED = (  # a difference of the means of two arms; paired, since both rank the same architectures
    ("gm", "one-shot"), ("gm", "random"), ("gm", "exhaustive"), ("exhaustive", "one-shot"),
    # with the same budget, all in all
    ("random", "one-shot x4"), ("exhaustive, equal", "one-shot x4"), ("gm, equal", "one-shot x4"),
    ("gm, equal", "random"),
)  # fmt: skip
CONVOLUTIONS = {"nor_conv_1x1", "nor_conv_3x3"}


def inside(genotype: Genotype, mask: Mask) -> bool:
    """Whether a cell of NAS-Bench-201 has only operations that the mask allows."""
    return all(operation in mask.allowed[decision] for decision, operation in SPACE.path(genotype))


def leaves_of(tree: list[dict[str, Any]], genotypes: list[Genotype]) -> np.ndarray:
    """[N] the number of the leaf that an architecture is in; the leaves of this space do not overlap."""
    leaves = SplitTree.from_json(tree).leaves()
    found = [[leaf.number for leaf in leaves if inside(genotype, leaf.mask)] for genotype in genotypes]
    assert all(len(numbers) == 1 for numbers in found), "the leaves do not partition the space"
    return np.array([numbers[0] for numbers in found])


def tau_within(losses: np.ndarray, truth: np.ndarray, leaves: np.ndarray) -> float:
    """The mean tau-b [-1, 1] over the leaves of losses [N] with two architectures or more in them."""
    taus = [
        stats.kendall_tau_b(losses[leaves == leaf], truth[leaves == leaf])
        for leaf in np.unique(leaves)
        if (leaves == leaf).sum() > 1
    ]
    taus = [tau for tau in taus if not np.isnan(tau)]  # of a leaf in which all is tied
    return float(np.mean(taus)) if taus else float("nan")


def interval(losses: np.ndarray, truth: np.ndarray, against: np.ndarray | None = None) -> tuple[float, float]:
    """95 % interval of the mean tau-b of losses [S, N] over seeds and architectures, or of its lead over `against`."""

    def statistic(seeds: np.ndarray, archs: np.ndarray) -> float:
        def mean_tau(table: np.ndarray) -> float:
            return float(np.mean([stats.kendall_tau_b(table[seed][archs], truth[archs]) for seed in seeds]))

        return mean_tau(losses) - (mean_tau(against) if against is not None else 0.0)

    return stats.bootstrap_interval(statistic, *losses.shape, generator=np.random.default_rng(0), draws=1000)


def report(
    title: str,
    genotypes: list[Genotype],
    truth_loss: np.ndarray,
    truth_accuracy: np.ndarray,
    results: dict[str, list[dict[str, Any]]],
) -> None:
    """Print all arms; AssertionError where what the protocol asserts does not hold.

    truth_loss, truth_accuracy (in %): [T, N]. results: arm -> its seeds, each as ranking.run_arm gives it.
    """
    truth, accuracy = truth_loss.mean(axis=0), truth_accuracy.mean(axis=0)
    ceiling = [
        stats.kendall_tau_b(truth_loss[i], truth_loss[j]) for i in range(len(truth_loss)) for j in range(i)
    ]
    print(
        f"{title}\ntruth: accuracy {accuracy.min():.1f}-{accuracy.max():.1f} %, tau-b between its seeds "
        f"{np.mean(ceiling) if ceiling else float('nan'):.3f} (the ceiling)\n"
    )
    print(
        "| arm | tau-b, mean [95 % over seeds, architectures] | one by one | within leaves | best third",
        end="",
    )
    print(" | regret, points | epochs | minutes |\n|---|---|---|---|---|---|---|---|")
    losses = {name: np.array([one["losses"] for one in ones]) for name, ones in results.items()}
    best_third = np.argsort(truth)[: len(truth) // 3]
    means = {}
    for name, ones in results.items():
        taus = [stats.kendall_tau_b(row, truth) for row in losses[name]]
        means[name] = float(np.mean(taus))
        within = [
            tau_within(row, truth, leaves_of(one["tree"], genotypes))
            for row, one in zip(losses[name], ones, strict=True)
        ]
        third = [stats.kendall_tau_b(row[best_third], truth[best_third]) for row in losses[name]]
        regret = [stats.top_k_regret(-row, accuracy, 1) for row in losses[name]]
        print(
            f"| {name} | {means[name]:.3f} {spelt(interval(losses[name], truth))} | "
            f"{', '.join(f'{tau:.3f}' for tau in taus)} | {np.mean(within):.3f} | {np.mean(third):.3f} "
            f"| {np.mean(regret):.1f} | {np.mean([one['epochs'] for one in ones]):.0f} "
            f"| {np.mean([one['seconds'] for one in ones]) / 60:.1f} |"
        )
    print()
    for name, other in COMPARED:
        found = interval(losses[name], truth, losses[other])
        verdict = "" if found[0] > 0 or found[1] < 0 else " (no difference shown)"
        print(f"{name} - {other}: {means[name] - means[other]:+.3f} {spelt(found)}{verdict}")
    print()
    report_first_splits([one["tree"][0]["split"] for one in results["gm"]])
    assert not ceiling or np.mean(ceiling) >= 0.5, "the truth does not agree with itself: train it longer"
    assert min(means.values()) > 0.3, "an arm does not rank"
    assert len(losses["gm"]) < 3 or means["gm"] >= means["one-shot"] - 0.15, (
        "gm ranks worse than one supernet"
    )


def report_first_splits(splits: list[dict[str, Any]]) -> None:
    together = sum(any(set(group) >= CONVOLUTIONS for group in split["names"]) for split in splits)
    print(f"gm's first split has both convolutions in one group in {together} of {len(splits)} seeds")
    for split in splits:
        print(f"  {split['where']}: {' against '.join(', '.join(group) for group in split['names'])}")


def spelt(found: tuple[float, float]) -> str:
    return f"[{found[0]:.3f}, {found[1]:.3f}]"
