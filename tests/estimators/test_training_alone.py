"""Training a genotype alone on the halves of a search: its images, its recipe, and what diverges."""

import math

import pytest

from nastk.archs import load_arch
from nastk.data.augmentation import Augmentation
from nastk.estimators.standalone import score_alone, train_on_halves

CELL = load_arch("darts-v2").genotype


@pytest.fixture
def halves(make_context):
    """A function (KEY=VALUE words) -> everything that train_on_halves is given."""

    def make(*words):
        context = make_context("relativenas", "network.num_cells=2", "space.name=darts", *words)
        config = context.config
        named = {"network": config.network, "train": config.train, "epochs": 2}
        return context.images, context.engine, named

    return make


def test_images_and_recipe_are_the_search_s(halves):
    images, engine, named = halves("train.lr=0.03", "train.drop_path=0.3")
    images.validation.augmentation = Augmentation(pad=1, flip=True, cutout=2)  # data.augment_validation=true
    job = train_on_halves(CELL, images, engine, **named)
    assert job.train_batches is images.train
    assert job.test_batches.images is images.validation.images
    assert job.test_batches.augmentation is None
    assert (job.config.lr, job.config.batch_size, job.config.epochs, job.config.drop_path) == (0.03, 8, 2, 0)
    assert job.network.auxiliary is None


def test_the_score_is_the_last_epoch_s(halves):
    images, engine, named = halves()
    job = train_on_halves(CELL, images, engine, **named)
    rows = [job.step() for _ in range(2)]
    images, engine, named = halves()
    score = score_alone(train_on_halves(CELL, images, engine, **named))
    assert (score.value, score.accuracy) == (rows[-1]["test_loss"], rows[-1]["test_accuracy"])
    assert (score.metric, score.direction, score.split, score.cost) == (
        "cross_entropy",
        "min",
        "validation",
        2,
    )


def test_what_diverges_has_no_finite_score(halves):
    images, engine, named = halves("train.lr=1e30", "train.grad_clip=1e30")
    score = score_alone(train_on_halves(CELL, images, engine, **named))
    assert not score.finite and math.isnan(score.value)
