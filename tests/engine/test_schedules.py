"""Against numbers worked out by hand."""

from __future__ import annotations

import pytest

from nastk.engine.schedules import cosine, linear, warmed_up


@pytest.mark.parametrize(
    ("epoch", "lr"),
    [(0, 0.1), (1, 0.099902), (10, 0.090546), (25, 0.0505), (40, 0.010454), (49, 0.001098)],
)
def test_cosine_of_relativenas(epoch, lr):
    """From 0.1 to 0.001 in 50 generations."""
    assert cosine(0.1, 0.001, epoch, 50) == pytest.approx(lr, abs=5e-7)


def test_cosine_of_darts():
    """From 0.025 to 0 in 600 epochs: half-way and at a third, where the cosine is 0 and 1/2."""
    assert cosine(0.025, 0.0, 0, 600) == 0.025
    assert cosine(0.025, 0.0, 200, 600) == pytest.approx(0.01875, rel=1e-12)
    assert cosine(0.025, 0.0, 300, 600) == pytest.approx(0.0125, rel=1e-12)
    assert 0 < cosine(0.025, 0.0, 599, 600) < 1e-6


def test_one_epoch():
    assert cosine(0.1, 0.001, 0, 1) == pytest.approx(0.1, rel=1e-15)
    assert linear(0.3, 0, 1) == 0.0


@pytest.mark.parametrize(("epoch", "probability"), [(0, 0.0), (1, 0.006), (25, 0.15), (49, 0.294)])
def test_drop_path_of_relativenas(epoch, probability):
    assert linear(0.3, epoch, 50) == pytest.approx(probability, rel=1e-12)


def test_warm_up():
    """Three epochs of a quarter, a half and three quarters, then the cosine over the other four."""
    found = [warmed_up(0.1, 0.02, epoch, 7, 3) for epoch in range(7)]
    assert found == pytest.approx([0.025, 0.05, 0.075, *(cosine(0.1, 0.02, epoch, 4) for epoch in range(4))])
    assert [warmed_up(0.1, 0.0, epoch, 5, 0) for epoch in range(5)] == [
        cosine(0.1, 0.0, epoch, 5) for epoch in range(5)
    ]
