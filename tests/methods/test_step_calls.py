"""What a step asks of a device: not more than it did, and never an answer in the middle of an epoch.

Counted on the meta device (benchmarks/device_calls.py), which is asked for what a GPU would be.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest
from device_calls import META, DeviceCalls, EnoughCounted, meta_engine
from step_calls import count_of, jobs
from tiny_runs import Builder

from nastk import registry
from nastk.data.batches import Batches
from nastk.data.search_images import SearchImages

# Calls of forward and backward passes with 3 cells. Whoever gets by with fewer writes these down.
MOST = {
    "DARTS, both, first order": (3_182, 2_321),
    "RelativeNAS, a path": (173, 157),
    "evaluation, 20 cells": (146, 147),
    "scoring of a split, a pass": (1_862, 1_449),
}
MOST_OF_SLOW = {
    "DARTS, weights": (1_591, 1_292),
    "DARTS, both, second order": (7_955, 5_970),
    "SNAS, both": (3_182, 2_322),
    "P-DARTS stage 1, both": (3_492, 2_501),
    "P-DARTS stage 2, both": (3_100, 2_225),
    "P-DARTS stage 3, both": (2_176, 1_560),
}


@pytest.mark.parametrize(
    ("name", "most"),
    [*MOST.items(), *(pytest.param(*one, marks=pytest.mark.slow) for one in MOST_OF_SLOW.items())],
)
def test_calls_of_a_step(name, most):
    count = count_of(jobs(tiny=True)[name])
    forward, backward = count.calls["forward"], count.calls["backward"]
    assert forward <= most[0] and backward <= most[1], (forward, backward)
    assert not count.waits


def test_every_job_is_counted():
    assert {*MOST, *MOST_OF_SLOW} == {*jobs()}


@pytest.mark.parametrize("method", registry.METHODS)
def test_no_step_waits_for_the_device(method, make_context, random_images):
    build = Builder.of(make_context, method)
    context, batch_size = build.context, build.context.config.train.batch_size
    found = random_images(5 * batch_size).to(META)
    augmentation = context.images.train.augmentation
    train = Batches(found, batch_size, augmentation=augmentation, shuffle=True)
    images = SearchImages(train, train, found.classes, found.shape, ())
    calls = DeviceCalls()
    engine, counts = meta_engine(calls, enough=4)
    search = build.search_class(dataclasses.replace(context, engine=engine, load_images=lambda: images))
    with calls, suppress(EnoughCounted):
        while True:
            search.step()
    for count in counts[2:]:  # the first one is looked at for numbers that are not finite
        assert count.calls.total() > 20 and not count.waits, count
