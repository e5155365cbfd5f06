"""Training one architecture alone, on the two halves of a search: what a search's scores are held against."""

from __future__ import annotations

from nastk import registry
from nastk.data.batches import Batches
from nastk.data.search_images import SearchImages
from nastk.engine import training
from nastk.engine.device import Engine
from nastk.engine.training import DIVERGED, Averages
from nastk.estimators.score import Score
from nastk.genotype import Genotype
from nastk.schema import StandaloneTrainConfig, SupernetConfig, TrainConfig
from nastk.tasks.classification import Classification
from nastk.tasks.training import Training


def train_on_halves(
    genotype: Genotype,
    images: SearchImages,
    engine: Engine,
    *,
    network: SupernetConfig,
    train: TrainConfig,
    epochs: int,
) -> Training:
    """The training of a genotype's network, in the size of its supernet, on the two halves of a search.

    It learns from the training half by the search's recipe, without drop path and auxiliary head, and is
    tested on the validation half, unaugmented; test images are not looked at.
    """
    net = registry.space_entry(genotype.space).load_network()(
        genotype,
        init_channels=network.init_channels,
        num_cells=network.num_cells,
        num_classes=len(images.classes),
        channels_in=images.shape[0],
        image_size=images.shape[1:],
    )
    training.initialise(net, engine.streams["initialisation"])
    config = StandaloneTrainConfig(
        epochs=epochs,
        batch_size=train.batch_size,
        lr=train.lr,
        lr_min=train.lr_min,
        momentum=train.momentum,
        weight_decay=train.weight_decay,
        grad_clip=train.grad_clip,
        drop_path=0.0,
    )
    validation = Batches(images.validation.images, images.validation.batch_size)
    task = Classification(images.train.images, config, engine)
    return Training(engine.place(net), task, images.train, validation, config, engine)


def scored_epoch(job: Training) -> Score:
    """One more epoch of a training on a search's halves, and the validation loss after it; NaN if it diverged."""
    try:
        metrics = job.step()
        found = Averages(metrics["test_loss"], metrics["test_accuracy"])
    except training.NonFiniteLoss:
        found = DIVERGED
    return Score.of_validation(found, source="training alone", cost=job.epoch)


def score_alone(job: Training) -> Score:
    """The validation loss at the end of a training on a search's halves; not finite if it diverged."""
    score = scored_epoch(job)
    while score.finite and not job.finished:
        score = scored_epoch(job)
    return score
