"""How well do shared weights rank architectures, and does splitting the supernet help?

    python benchmarks/ranking.py --out DIR [--dataset digits|cifar10] [--data-dir DIR] [--seeds 5] [--jobs 2]
        [--archs 100] [--steps N] [--truth-steps 200] [--truth-seeds 3] [--rounds 20]

--steps: of one supernet; 600 on the digits, 1,800 on CIFAR-10, where an arm with fewer hardly ranks at all.
Truth: connected cells of NAS-Bench-201, drawn at random, each trained alone in a small network
(ranking_network.py) on the digits under noise or on CIFAR-10 at 16x16. Arms: one supernet; one with
four times the steps; split once exhaustively, twice at random, twice by gradient matching, every leaf
with the steps of one supernet; and, "equal", with all that splitting costs and all leaves together
having those four times the steps. (At random the four leaves are that anyway. A scoring pass counts as
a step.) Every arm scores the same architectures on the held-out images, which are also the truth's.
Every piece is kept under --out, by a hash of all it depends on, and not done again: the command can be
stopped and started again. Prints all arms with intervals over seeds and architectures, and fails if the
truth does not agree with itself or an arm does not rank at all (ranking_report.py).
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import ranking_network
import torch
from ranking_network import SPACE, alone
from ranking_report import inside, report
from torch.nn import functional as F

from nastk.config import Config, resolve
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ResidentImages
from nastk.data.search_images import SearchImages
from nastk.data.sources import load_images
from nastk.data.split import balanced_split
from nastk.engine.device import Engine
from nastk.engine.random import Streams
from nastk.engine.schedules import cosine
from nastk.genotype import Genotype
from nastk.networks.gates import uniform_path
from nastk.search_method import SearchContext
from nastk.spaces.mask import Mask
from nastk.splitting.splitter import Splitter
from nastk.weight_sharing.one_shot import OneShot

CONTROL = 4  # the "equal" arms have this many times the steps of one supernet, all in all
ARMS = {  # name: (split, groups, steps of a leaf as a multiple of --steps; None: what is left of the equal budget)
    "one-shot": ("none", [], 1),
    "one-shot x4": ("none", [], CONTROL),
    "exhaustive": ("exhaustive", [2], 1),
    "random": ("random", [2, 2], 1),
    "gm": ("gm", [2, 2], 1),
    "exhaustive, equal": ("exhaustive", [2], None),
    "gm, equal": ("gm", [2, 2], None),
}
STEPS = {"digits": 600, "cifar10": 1800}  # of one supernet, unless --steps says otherwise
NOISE = 0.35  # standard deviation on the digits before clipping, white being 1: without it every cell gets them right
EDGES_SCORED = 6 + 2 * 5  # of the root and of its two children, each with 5 operations


def config_of(options: argparse.Namespace, seed: int, split: str, groups: list[int]) -> Config:
    words = [
        f"space.name={SPACE.name}", "network.init_channels=8",
        "network.num_cells=2", "train.batch_size=64", "train.lr=0.05", "train.lr_min=0.0", "engine.device=cpu",
        "engine.threads=1", f"run.seed={seed}", f"search.split={split}", f"search.rounds={options.rounds}",
        "search.min_group=2", f"search.groups={groups or [2]}", "search.edge_rule=contrast", "search.probe=path",
        "search.cell_types=all",
    ]  # fmt: skip
    return resolve("search", "fewshot", "quick", words)


@functools.cache  # a process needs them for many pieces
def images_of(dataset: str, data_dir: str | None) -> SearchImages:
    """The same images for truth and arms: 400 train and 1,000 are held out (digits), 4,000 and 1,000 (CIFAR-10)."""
    config = resolve("search", "fewshot", "quick", [f"data.dataset={dataset}", f"data.dir={data_dir or ''}"])
    images = load_images(config.data, "train")
    assert isinstance(images, ResidentImages)
    streams = Streams(0)
    pixels = images.tensor.float()  # [N, H, W, C], white is 255
    if dataset == "digits":
        pixels += torch.randn(pixels.shape, generator=streams["noise"]) * NOISE * 255
        num_train, num_held_out = 400, 1000
    else:
        pixels = F.avg_pool2d(pixels.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        num_train, num_held_out = 4000, 1000
    pixels = pixels.clamp(0, 255).round().to(torch.uint8).contiguous()
    images = dataclasses.replace(images, tensor=pixels)
    portion = num_train / images.num_images
    train, rest = balanced_split(images.labels, portion, streams["splitting"], classes=images.classes)
    held_out = rest[torch.randperm(len(rest), generator=streams["held out"])[:num_held_out]]
    return SearchImages(
        train=Batches(
            images.subset(train), 64, augmentation=Augmentation(pad=1, flip=False, cutout=0), shuffle=True
        ),
        validation=Batches(images.subset(held_out), 500),
        classes=images.classes,
        shape=images.shape,
        notes=(),
    )


def architectures(num: int) -> list[Genotype]:
    """Different connected cells, the same ones in every run."""
    codec = SPACE.codec(SPACE.full_mask())
    generator, found = Streams(0)["architectures"], {}
    while len(found) < num:
        draws = torch.rand(len(codec.upper), dtype=torch.float64, generator=generator)
        genotype = codec.decode((draws * torch.tensor(codec.upper, dtype=torch.float64)).tolist())
        if SPACE.is_connected(genotype):
            found[genotype] = None
    return list(found)


def epochs_for(steps: float, images: SearchImages) -> int:
    return max(1, round(steps / len(images.train)))


def supernet_of(images: SearchImages, config: Config, engine: Engine, mask: Mask, epochs: int) -> OneShot:
    """A fresh supernet trained on uniform paths of a sub-space, to its end."""
    net = OneShot(SPACE, mask, images, engine, network=config.network, train=config.train)
    paths = engine.streams["paths"]
    for epoch in range(epochs):
        net.train_epoch(lambda: uniform_path(mask, paths), lr=cosine(config.train.lr, 0.0, epoch, epochs))
    return net


def train_alone(options: argparse.Namespace, number: int, seed: int) -> dict[str, float]:
    """Held-out loss and accuracy (%) of one architecture trained by itself, with batch statistics as in the arms."""
    images, config = images_of(options.dataset, options.data_dir), config_of(options, seed, "none", [])
    genotype = architectures(options.archs)[number]
    engine = Engine(config.engine, 1000 * seed + number)
    net = supernet_of(images, config, engine, alone(genotype), epochs_for(options.truth_steps, images))
    score = net.score(genotype)
    return {"loss": score.value, "accuracy": score.accuracy}


def run_arm(options: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    """The held-out losses that an arm's supernets give, the tree, what it cost in epochs and seconds."""
    started = time.monotonic()
    split, groups, multiple = ARMS[name]
    images, config = images_of(options.dataset, options.data_dir), config_of(options, seed, split, groups)
    one = epochs_for(options.steps, images)
    # Half a supernet's epochs before every split; in the equal budget a twelfth, and half the rounds.
    config.search.probe_epochs = max(1, one // 2 if multiple else CONTROL * one // 12 // 3)
    config.search.rounds = options.rounds if multiple else max(1, options.rounds // 2)
    config.train.epochs = one
    engine = Engine(config.engine, seed)
    context = SearchContext(config, SPACE, SPACE.full_mask(), engine, lambda: images)
    splitter = Splitter(context, keep_weights=False)
    while not splitter.finished:
        splitter.step()
    leaves = splitter.tree.leaves()
    spent = splitter.plan.cost(len(images.train)) if groups else 0.0
    assert multiple or spent < CONTROL * one, "no budget is left for the leaves: more --steps"
    epochs = one * multiple if multiple else max(1, round((CONTROL * one - spent) / len(leaves)))
    genotypes = architectures(options.archs)
    losses: list[float] = [float("nan")] * len(genotypes)
    for leaf in leaves:
        net = supernet_of(images, config, engine.part(f"leaf {leaf.number}"), leaf.mask, epochs)
        for position, genotype in enumerate(genotypes):
            if inside(genotype, leaf.mask):
                losses[position] = net.score(genotype).value
    assert not np.isnan(losses).any(), "the leaves of NAS-Bench-201 cover the space"
    return {
        "losses": losses,
        "tree": splitter.tree.to_json(SPACE.decisions),
        "epochs": spent + epochs * len(leaves),
        "seconds": time.monotonic() - started,
    }


def prepare_process() -> None:
    ranking_network.register()
    torch.set_num_threads(1)


def kept(path: Path, make: Callable[..., Any], *arguments: Any) -> Any:
    """What `make` gives, from its file if it was made before."""
    if not path.exists():
        content = json.dumps(make(*arguments))
        temporary = path.with_suffix(".tmp")
        temporary.write_text(content)
        temporary.replace(path)
    return json.loads(path.read_text())


def folder_for(out: Path, what: str, options: argparse.Namespace, *names: str) -> Path:
    """Where pieces are kept that depend on these options, on torch and on the text of this benchmark."""
    texts = [Path(module).read_text(encoding="utf-8") for module in (__file__, ranking_network.__file__)]
    settings = {name: getattr(options, name) for name in ("dataset", "archs", *names)}
    about = json.dumps([settings, torch.__version__, *texts])
    path = out / f"{options.dataset}-{what}-{hashlib.sha256(about.encode()).hexdigest()[:10]}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dataset", choices=STEPS, default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--steps", type=int)
    for name, number in (("seeds", 5), ("jobs", 2), ("archs", 100), ("rounds", 20)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--truth-steps", type=int, default=200)
    parser.add_argument("--truth-seeds", type=int, default=3)
    options = parser.parse_args()
    options.steps = options.steps or STEPS[options.dataset]
    truths = folder_for(options.out, "truth", options, "truth_steps")
    supernets = folder_for(options.out, "arms", options, "steps", "rounds")
    with ProcessPoolExecutor(options.jobs, initializer=prepare_process) as pool:
        truth = [
            [
                pool.submit(kept, truths / f"{number}-{seed}.json", train_alone, options, number, seed)
                for number in range(options.archs)
            ]
            for seed in range(options.truth_seeds)
        ]
        arms = {
            name: [
                pool.submit(kept, supernets / f"{name}-{seed}.json", run_arm, options, name, seed)
                for seed in range(options.seeds)
            ]
            for name in ARMS
        }
        truth_of = {
            figure: np.array([[future.result()[figure] for future in row] for row in truth])  # [T, N]
            for figure in ("loss", "accuracy")
        }
        results = {name: [future.result() for future in futures] for name, futures in arms.items()}
    print(" ".join(["python benchmarks/ranking.py", *sys.argv[1:]]))
    title = (
        f"{options.dataset}: {options.archs} architectures; truth {options.truth_steps} steps x {options.truth_seeds} "
        f"seeds, hash {hashlib.sha256(truth_of['loss'].tobytes()).hexdigest()[:10]}; {options.steps} steps a supernet; "
        f"torch {torch.__version__}, {platform.machine()}"
    )
    report(title, architectures(options.archs), truth_of["loss"], truth_of["accuracy"], results)


if __name__ == "__main__":
    main()
