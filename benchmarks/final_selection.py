"""Whom should a search with shared weights settle on? Three rules of the final selection against the truth.

    python benchmarks/final_selection.py --out DIR [--dataset digits|cifar10] [--data-dir DIR]
        [--method relativenas|random] [--seeds 10] [--jobs 1] [KEY=VALUE ...]

A search runs to its last step with the preset quick (digits) or small (CIFAR-10); then every rule chooses
from the same last population with the same weights and random streams:
    final weights   the lowest loss with the weight set as the last pair left it
    as trained      the lowest loss of those trained in the last generation that have not moved since
    final epoch     each is trained for one more epoch from the final weight set, nothing merged; the lowest loss
The truth is the validation loss of each of the population trained alone for as long as a candidate of the
search is (as `nastk rank RUN RUN` does), the regret that of the choice above the lowest. Test images are not
looked at. One thread a job. Every piece is kept under --out by data set, method and seed, and not done
again: the command can be stopped and started again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from nastk import registry
from nastk.config import Config, resolve, search_class
from nastk.data.search_images import SearchImages, load_search_images
from nastk.engine.device import Engine
from nastk.engine.schedules import cosine, linear
from nastk.engine.training import Averages
from nastk.estimators.score import Score, best_first
from nastk.estimators.standalone import score_alone, train_on_halves
from nastk.genotype import Genotype
from nastk.populations import encoding
from nastk.populations.estimator_search import last_trained_first
from nastk.run import jsonable
from nastk.search_method import SearchContext
from nastk.stats import bootstrap_interval

PRESETS = {"digits": "quick", "cifar10": "small"}
RULES = ("final weights", "as trained", "final epoch")
PAIRS = (("as trained", "final weights"), ("final epoch", "final weights"), ("as trained", "final epoch"))


def config_of(options: argparse.Namespace, seed: int) -> Config:
    words = [
        f"data.dataset={options.dataset}", "engine.device=cpu", "engine.threads=1", f"run.seed={seed}",
        *([f"data.dir={options.data_dir}"] if options.data_dir else []), *options.overrides,
    ]  # fmt: skip
    return resolve("search", options.method, PRESETS[options.dataset], words)


def start(options: argparse.Namespace, seed: int) -> Any:
    """The search of a seed before its first step."""
    config = config_of(options, seed)
    engine = Engine(config.engine, seed)
    assert config.space is not None
    space = registry.load_space(config.space.name)
    return search_class(config.name, config.settings())(
        SearchContext(
            config, space, space.mask_of(config.space.operations), engine, lambda: halves(config, engine)
        )
    )


def halves(config: Config, engine: Engine) -> SearchImages:
    return load_search_images(
        config.data, config.train.batch_size, engine.device, engine.streams["splitting"]
    )


def population_of(search: Any) -> list[Genotype]:
    return [encoding.decode(search.codec, position) for position in search.positions]


def texts_of(search: Any) -> list[str]:
    """The population as JSON: what a piece can hold and what can be compared."""
    space = search.context.space
    return [json.dumps(space.body_to_json(genotype.body)) for genotype in population_of(search)]


def figures(score: Score) -> dict[str, float]:
    return {"loss": score.value, "accuracy": score.accuracy}


def run_until_selection(search: Any) -> dict[str, Any]:
    """The state of a search before its last step, and what the last training of each of its population gave."""
    started, trained = time.process_time(), {}
    while search.num_done < search.num_steps - 1:
        texts, metrics = texts_of(search), search.step()
        for role in ("fast", "slow"):
            member = metrics[role]
            trained[member] = {
                "role": role,
                "pair": search.num_done - 1,
                "genotype": texts[member],
                "loss": metrics[f"{role}_loss"],
                "accuracy": metrics.get(f"{role}_accuracy", math.nan),
            }
    return {
        "seconds": time.process_time() - started,
        "trained": [trained[member] for member in range(len(search.positions))],
        "job": search.state_dict(),
        "streams": search.context.engine.streams.state_dict(),
    }


def go_back(search: Any, state: dict[str, Any]) -> None:
    """To before its last step."""
    search.load_state_dict(state["job"])
    search.context.engine.streams.load_state_dict(state["streams"])


def score_with_final_weights(search: Any, state: dict[str, Any]) -> dict[str, Any]:
    go_back(search, state)
    started = time.process_time()
    scores = [figures(search.estimator.score(genotype)) for genotype in population_of(search)]
    return {"seconds": time.process_time() - started, "scores": scores}


def train_final_epoch(search: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Each trained as in the last generation, and the weight set put back."""
    go_back(search, state)
    train, num = search.context.config.train, search.num_generations
    lr, drop_path = cosine(train.lr, train.lr_min, num - 1, num), linear(train.drop_path, num - 1, num)
    weights = {name: value.clone() for name, value in search.estimator.state_dict().items()}
    started, scores = time.process_time(), []
    for genotype in population_of(search):
        scores += [figures(score) for score in search.estimator.train([genotype], lr=lr, drop_path=drop_path)]
        search.estimator.load_state_dict(weights)
    return {"seconds": time.process_time() - started, "scores": scores}


def train_alone(options: argparse.Namespace, seed: int, genotype: Genotype) -> dict[str, Any]:
    config = config_of(options, seed)
    images, started = halves(config, Engine(config.engine, seed)), time.process_time()
    epochs = search_class(config.name, config.settings()).epochs_of_a_candidate(config)
    engine = Engine(config.engine, seed)
    job = train_on_halves(genotype, images, engine, network=config.network, train=config.train, epochs=epochs)
    return {**figures(score_alone(job)), "seconds": time.process_time() - started}


def kept(path: Path, make: Callable[..., Any], *arguments: Any) -> Any:
    """What `make` gives, from its file if it was made before."""
    if not path.exists():
        content = json.dumps(jsonable(make(*arguments)))
        temporary = path.with_suffix(".tmp")
        temporary.write_text(content)
        temporary.replace(path)
    return json.loads(path.read_text())


def one_seed(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """All figures of a seed; scores are rows of loss and accuracy, one an individual."""
    torch.set_num_threads(1)
    out = options.out / f"{options.dataset}-{options.method}-{seed}"
    out.mkdir(parents=True, exist_ok=True)
    search, path = start(options, seed), out / "search.pt"
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        torch.save(run_until_selection(search), temporary)
        temporary.replace(path)
    state = torch.load(path, weights_only=True)
    final = kept(out / "final.json", score_with_final_weights, search, state)
    tuned = kept(out / "tuned.json", train_final_epoch, search, state)
    go_back(search, state)
    alone = [
        kept(out / f"alone-{member}.json", train_alone, options, seed, genotype)
        for member, genotype in enumerate(population_of(search))
    ]
    return {
        "moved": [
            trained["genotype"] != text
            for trained, text in zip(state["trained"], texts_of(search), strict=True)
        ],
        "pairs": [trained["pair"] for trained in state["trained"]],
        "as trained": state["trained"],
        "final weights": final["scores"],
        "final epoch": tuned["scores"],
        "alone": alone,
        "epochs": search.cost,
        "seconds": {
            "search": state["seconds"],
            "final weights": final["seconds"],
            "final epoch": tuned["seconds"],
        },
    }


def losses(rows: Sequence[dict[str, Any]]) -> list[Score]:
    """Rows as scores; NaN for what diverged."""
    found = []
    for row in rows:
        loss, accuracy = (math.nan if row[name] is None else row[name] for name in ("loss", "accuracy"))
        found.append(Score.of_validation(Averages(loss, accuracy), source="", cost=0.0))
    return found


def chosen_by(rule: str, seed: dict[str, Any]) -> int:
    if rule != "as trained":
        return best_first(losses(seed[rule]))[0]
    trained = zip(seed["moved"], losses(seed[rule]), strict=True)
    stays = [None if moved else score for moved, score in trained]
    return last_trained_first(stays, losses(seed["final weights"]))[0][0]


def regrets(seed: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Of every individual [P, 2]: nats above the lowest loss, points below the highest accuracy.

    NaN for one that diverged alone, and so for the mean over seeds if it was chosen.
    """
    truth = losses(seed["alone"])
    loss = np.array([score.value for score in truth])
    accuracy = np.array([score.accuracy for score in truth])
    return np.stack([loss - np.nanmin(loss), np.nanmax(accuracy) - accuracy], axis=1)


def interval(values: np.ndarray[Any, Any]) -> str:
    """Of the mean over seeds, percentiles of the bootstrap (95 %)."""
    low, high = bootstrap_interval(
        lambda drawn: float(values[drawn].mean()), len(values), generator=np.random.default_rng(0)
    )
    return f"[{low:.3f}, {high:.3f}]"


def spread(values: np.ndarray[Any, Any], digits: int) -> str:
    return f"{values.std(ddof=1):.{digits}f}" if len(values) > 1 else "-"


def price(rule: str, seeds: list[dict[str, Any]], chosen: list[int]) -> list[str]:
    """How often the choice was of the last pair; the epochs and the time that the rule takes after the search."""
    pairs = [seed["pairs"][member] == max(seed["pairs"]) for seed, member in zip(seeds, chosen, strict=True)]
    epochs = len(seeds[0]["alone"]) if rule == "final epoch" else 0
    shares = [seed["seconds"].get(rule, 0.0) / seed["seconds"]["search"] for seed in seeds]
    return [
        f"{sum(pairs)} of {len(seeds)}",
        f"{epochs} of {seeds[0]['epochs']:.0f}",
        f"{100 * np.mean(shares):.1f}",
    ]


def report(seeds: list[dict[str, Any]]) -> None:
    """Prints the regrets of all rules and of chance, what they cost, and their paired differences."""
    every = [regrets(seed) for seed in seeds]
    chosen = {rule: [chosen_by(rule, seed) for seed in seeds] for rule in RULES}
    found = {  # [seeds, 2]
        rule: np.array([of[member] for of, member in zip(every, members, strict=True)])
        for rule, members in chosen.items()
    }
    staying = [of[~np.array(seed["moved"])] for of, seed in zip(every, seeds, strict=True)]
    found["the best that has not moved"] = np.array([of[np.argmin(of[:, 0])] for of in staying])
    found["any that has not moved"] = np.array([of.mean(axis=0) for of in staying])
    found["any"] = np.array([of.mean(axis=0) for of in every])
    print(
        "| rule | n | regret in nats, mean [95 %] | sd | one by one | regret in points of accuracy, mean (sd) "
        "| of the last pair | epochs more | % of the search's time |\n|---|---|---|---|---|---|---|---|---|"
    )
    for rule, values in found.items():
        nats, points = values.T
        cells = [rule, str(len(nats)), f"{nats.mean():.3f} {interval(nats)}", spread(nats, 3)]
        cells += [", ".join(f"{one:.3f}" for one in nats), f"{points.mean():.2f} ({spread(points, 2)})"]
        cells += price(rule, seeds, chosen[rule]) if rule in RULES else ["", "", ""]
        print(f"| {' | '.join(cells)} |")
    print()
    for one, other in PAIRS:
        difference = found[one] - found[other]
        print(
            f"{one} - {other}: {difference[:, 0].mean():+.3f} {interval(difference[:, 0])} nats, "
            f"{difference[:, 1].mean():+.2f} {interval(difference[:, 1])} points of accuracy"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dataset", choices=PRESETS, default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--method", choices=("relativenas", "random"), default="relativenas")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs) as pool:
        seeds = list(pool.map(one_seed, [options] * options.seeds, range(options.seeds)))
    print(" ".join(["python benchmarks/final_selection.py", *sys.argv[1:]]))
    print(
        f"{options.method}, {options.dataset}, torch {torch.__version__}, {platform.machine()}, "
        f"{np.mean([seed['seconds']['search'] for seed in seeds]) / 60:.1f} minutes of a core a search\n"
    )
    report(seeds)


if __name__ == "__main__":
    main()
