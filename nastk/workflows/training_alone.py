"""Training what a search ranked, each architecture alone: the truth that its scores are held against."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from nastk import registry
from nastk.config import Config, search_class
from nastk.data.search_images import load_search_images
from nastk.engine.device import Engine
from nastk.engine.progress import Progress
from nastk.estimators.standalone import score_alone, train_on_halves
from nastk.genotype import Genotype
from nastk.ranking import read_rows
from nastk.run import Run
from nastk.wording import counted

FILE = "standalone.json"  # of a run directory


def train_ranked(path: Path, config: Config, progress: Progress) -> None:
    """Write standalone.json beside the ranking.json of the search in `path`: the same, each trained from scratch.

    On the search's training half, by its recipe, for `Search.epochs_of_a_candidate`; scored on
    its validation half. All start from the same seed. What is there already is not done again. ValueError
    for a space that has no networks and for images that cannot be read (any more).
    """
    assert config.space is not None
    registry.space_entry(config.space.name).check_networks()
    space = registry.load_space(config.space.name)
    wanted = {json.dumps(row["genotype"]): row["genotype"] for row in read_rows(path / "ranking.json")}
    with closing(Run.open(path)) as run:
        done = read_rows(path / FILE) if run.has(FILE) else []
        known = {json.dumps(row["genotype"]) for row in done}
        missing = [genotype for text, genotype in wanted.items() if text not in known]
        if not missing:
            return
        engine = Engine(config.engine, config.run.seed)
        with engine.in_force():
            images = load_search_images(
                config.data, config.train.batch_size, engine.device, engine.streams["splitting"]
            )
            epochs = search_class(config.name, config.settings()).epochs_of_a_candidate(config)
            progress.note(
                f"to train alone: {counted(len(missing), 'architecture')}, {counted(epochs, 'epoch')} each"
            )
            for genotype in missing:
                job = train_on_halves(
                    Genotype(space.name, space.body_from_json(genotype)),
                    images,
                    Engine(config.engine, config.run.seed),
                    network=config.network,
                    train=config.train,
                    epochs=epochs,
                )
                score = score_alone(job)
                done.append({"score": score.to_json(), "genotype": genotype})
                run.write_json(FILE, done)
                progress.note(
                    f"{len(done)}/{len(wanted)}  {score.metric} {score.value:.4f}  accuracy {score.accuracy:.2f} %"
                )
