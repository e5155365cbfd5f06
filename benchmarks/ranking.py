"""How well do shared weights rank architectures, and does splitting the supernet help?

    python benchmarks/ranking.py --out DIR [--dataset digits|cifar10] [--data-dir DIR] [--seeds 5] [--jobs 2]
        [--archs 100] [--steps 600] [--truth-steps 200] [--truth-seeds 3] [--rounds 20]

Truth: connected cells of NAS-Bench-201, drawn at random, each trained alone. Arms: one supernet; one
with four times the steps; split once exhaustively, twice at random, twice by gradient matching; the
split arms also with all leaves (and all that splitting costs) together having what one supernet has.
Every arm scores the same architectures on the held-out images, which are also the truth's (as in the
protocol of docs/results.md). Every piece is kept under --out and not done again, so that the command
can be stopped and started again. Prints tau-b per arm with intervals over seeds and architectures, and
fails if the truth does not agree with itself or an arm does not rank at all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from ranking_report import inside, report
from torch.nn import functional as F

from nastk import registry
from nastk.config import Config, resolve, search_class
from nastk.data.augmentation import Augmentation
from nastk.data.batches import Batches
from nastk.data.images import ResidentImages
from nastk.data.search_images import SearchImages
from nastk.data.sources import load_images
from nastk.data.split import balanced_split
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.random import Streams
from nastk.engine.schedules import cosine
from nastk.estimators.one_shot import OneShot
from nastk.genotype import Genotype
from nastk.methods.search import SearchContext
from nastk.methods.splitting import Splitter
from nastk.networks.gates import uniform_path
from nastk.spaces.mask import Mask

SPACE = "nasbench201"
ARMS = {  # name: (split, groups, steps of a leaf as a multiple of --steps; 0: all of the arm together 1)
    "one-shot": ("none", [], 1.0),
    "one-shot x4": ("none", [], 4.0),
    "exhaustive": ("exhaustive", [2], 1.0),
    "random": ("random", [2, 2], 1.0),
    "gm": ("gm", [2, 2], 1.0),
    "exhaustive, equal": ("exhaustive", [2], 0.0),
    "random, equal": ("random", [2, 2], 0.0),
    "gm, equal": ("gm", [2, 2], 0.0),
}
NOISE = 0.35  # standard deviation on the digits, white being 1: without it every cell gets them right


def config_of(options: argparse.Namespace, seed: int, split: str, groups: list[int]) -> Config:
    words = [
        f"space.name={SPACE}", "network.init_channels=8", "network.num_cells=3", "train.batch_size=64",
        "train.lr=0.05", "train.lr_min=0.0", "engine.device=cpu", "engine.threads=1", f"run.seed={seed}",
        f"search.split={split}", f"search.rounds={options.rounds}", "search.min_group=2",
        f"search.groups={groups or [2]}",
    ]  # fmt: skip
    return resolve("search", "fewshot", "quick", words)


def images_of(options: argparse.Namespace) -> SearchImages:
    """The same images for truth and arms: 400 train and 1,000 are held out (digits), 4,000 and 1,000 (CIFAR-10)."""
    words = [f"data.dataset={options.dataset}", "space.name=" + SPACE]
    config = resolve("search", "fewshot", "quick", words).data
    config.dir = options.data_dir
    images = load_images(config, "train")
    assert isinstance(images, ResidentImages)
    streams = Streams(0)
    num_train, num_held_out = (400, 1000) if options.dataset == "digits" else (4000, 1000)
    portion = num_train / images.num_images
    train, rest = balanced_split(images.labels, portion, streams["splitting"])
    if options.dataset == "digits":
        noise = torch.randn(images.tensor.shape, generator=streams["noise"]) * NOISE * 255
        images.tensor.copy_((images.tensor + noise).clamp(0, 255).round())
    else:
        small = F.avg_pool2d(images.tensor.permute(0, 3, 1, 2).float(), 2).permute(0, 2, 3, 1)
        images.tensor = small.round().to(torch.uint8).contiguous()
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
    space = registry.load_space(SPACE)
    codec = space.codec(space.full_mask())
    generator, found = Streams(0)["architectures"], {}
    while len(found) < num:
        draws = torch.rand(len(codec.upper), dtype=torch.float64, generator=generator)
        genotype = codec.decode((draws * torch.tensor(codec.upper, dtype=torch.float64)).tolist())
        if space.is_connected(genotype):
            found[genotype] = None
    return list(found)


def epochs_for(steps: float, images: SearchImages) -> int:
    return max(1, round(steps / len(images.train)))


def train_alone(options: argparse.Namespace, number: int, seed: int) -> dict[str, float]:
    """Held-out loss and accuracy of one architecture trained by itself."""
    images, config = images_of(options), config_of(options, seed, "none", [])
    engine = Engine(config.engine, 1000 * seed + number)
    genotype = architectures(options.archs)[number]
    network = registry.SPACES[SPACE].load_network()(
        genotype,
        init_channels=config.network.init_channels,
        num_cells=config.network.num_cells,
        num_classes=len(images.classes),
        channels_in=images.shape[0],
    )
    training.initialise(network, engine.streams["initialisation"])
    network = engine.place(network)
    train = config.train
    optimizer = training.sgd(
        network.parameters(), lr=train.lr, momentum=train.momentum, weight_decay=train.weight_decay
    )

    def loss_of(x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = network(x)[0]
        return F.cross_entropy(logits, labels), logits

    epochs = epochs_for(options.truth_steps, images)
    for epoch in range(epochs):
        training.set_lr(optimizer, cosine(train.lr, 0.0, epoch, epochs))
        batches = images.train.epoch(engine.streams["shuffling"], engine.streams["augmenting"])
        training.train_epoch(loss_of, optimizer, batches, engine, grad_clip=train.grad_clip)
    network.eval()
    found = training.evaluate(lambda x: network(x)[0], images.validation.epoch(), engine)
    return {"loss": found.loss, "accuracy": found.accuracy}


def run_arm(options: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    """The held-out losses that an arm's supernets give, the tree, what it cost."""
    started = time.monotonic()
    split, groups, multiple = ARMS[name]
    images, config = images_of(options), config_of(options, seed, split, groups)
    one = epochs_for(options.steps, images)
    config.search.probe_epochs = max(1, one // 2)
    config.train.epochs = one
    if multiple == 0.0:
        # A quarter of the budget trains the probe on three nodes, a quarter scores edges, a half is the leaves'.
        config.search.probe_epochs = max(1, one // 12)
        config.search.rounds = max(1, one * len(images.train) // 4 // 80)  # 16 edges of 5 operations a round
    engine = Engine(config.engine, seed)
    context = SearchContext(
        config, registry.load_space(SPACE), registry.load_space(SPACE).full_mask(), engine, lambda: images
    )
    assert search_class("fewshot", config.settings()).takes(context.space)
    splitter = Splitter(context, keep_weights=False)
    while not splitter.finished:
        splitter.step()
    leaves = splitter.tree.leaves()
    spent = splitter.plan.cost(len(images.train)) if groups else 0.0
    assert multiple or spent < one, "no budget is left for the leaves: more --steps"
    epochs = round(one * multiple) if multiple else max(1, round((one - spent) / len(leaves)))
    genotypes = architectures(options.archs)
    losses: list[float] = [float("nan")] * len(genotypes)
    for leaf in leaves:
        net = leaf_supernet(context, leaf.mask, leaf.number, epochs)
        for position, genotype in enumerate(genotypes):
            if inside(genotype, leaf.mask):
                losses[position] = net.score(genotype).value
    assert not np.isnan(losses).any(), "the leaves of NAS-Bench-201 cover the space"
    return {
        "losses": losses,
        "tree": splitter.tree.to_json(context.space),
        "epochs": spent + epochs * len(leaves),
        "seconds": time.monotonic() - started,
    }


def leaf_supernet(context: SearchContext, mask: Mask, number: int, epochs: int) -> OneShot:
    """A fresh supernet trained on uniform paths of a sub-space."""
    engine, config = context.engine.part(f"leaf {number}"), context.config
    net = OneShot(context.space, mask, context.images, engine, network=config.network, train=config.train)
    paths = engine.streams["paths"]
    for epoch in range(epochs):
        net.train_epoch(lambda: uniform_path(mask, paths), lr=cosine(config.train.lr, 0.0, epoch, epochs))
    return net


def kept(path: Path, make: Any, *arguments: Any) -> Any:
    """What `make` gives, from its file if it was made before."""
    if not path.exists():
        torch.set_num_threads(1)
        content = json.dumps(make(*arguments))
        temporary = path.with_suffix(".tmp")
        temporary.write_text(content)
        temporary.replace(path)
    return json.loads(path.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dataset", choices=("digits", "cifar10"), default="digits")
    parser.add_argument("--data-dir")
    for name, number in (("seeds", 5), ("jobs", 2), ("archs", 100), ("steps", 600), ("rounds", 20)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--truth-steps", type=int, default=200)
    parser.add_argument("--truth-seeds", type=int, default=3)
    options = parser.parse_args()
    settings = {
        name: value
        for name, value in vars(options).items()
        if name not in ("out", "jobs", "data_dir", "seeds")
    }
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]
    out = options.out / f"{options.dataset}-{key}"
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.json").write_text(json.dumps(settings))
    with ProcessPoolExecutor(options.jobs) as pool:
        truth = [
            [
                pool.submit(kept, out / f"truth-{number}-{seed}.json", train_alone, options, number, seed)
                for number in range(options.archs)
            ]
            for seed in range(options.truth_seeds)
        ]
        arms = {
            name: [
                pool.submit(kept, out / f"arm-{name}-{seed}.json", run_arm, options, name, seed)
                for seed in range(options.seeds)
            ]
            for name in ARMS
        }
        truth_of = {
            figure: np.array(
                [[future.result()[figure] for future in row] for row in truth]
            )  # [truth's seeds, N]
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
