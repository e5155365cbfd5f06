"""A part of a configuration's budget, or a multiple of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from nastk.config import Config


def with_share(config: Config, budget: Sequence[str], share: float) -> Config:
    """The configuration with `share` of the budget: the keys named, in the ratio that rounding leaves the first.

    The first key is at least 1; the others are rounded down, so that what has to stay below it does.
    """
    config = dataclasses.replace(config)
    ratio = share
    for position, dotted in enumerate(budget):
        group, name = dotted.split(".")
        values = getattr(config, group)
        before = getattr(values, name)
        scaled = int(before * ratio) if position else max(round(before * share), 1)
        if position == 0:
            ratio = scaled / before
        setattr(config, group, dataclasses.replace(values, **{name: scaled}))
    return config
