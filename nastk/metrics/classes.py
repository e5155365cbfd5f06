"""The mean of a figure over classes, of which some may not occur."""

from __future__ import annotations

import math

import numpy as np

from nastk.metrics.instances import Array


def mean_over_classes(values: Array) -> tuple[float, int]:
    """The mean of a figure of each class [K], NaN of those that do not occur, and over how many it is.

    NaN, 0 if none does. A mean over fewer classes than a set names is another figure: tell both.
    """
    known = values[~np.isnan(values)]
    return (float(known.mean()), len(known)) if len(known) else (math.nan, 0)
