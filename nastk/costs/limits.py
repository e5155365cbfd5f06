"""Limits: the most that a network may have of parameters, MACs and latency."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nastk.costs.prices import Cost

_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
UNITS = {"params": "parameters", "macs": "MACs", "latency_ms": "ms"}


@dataclass(frozen=True)
class Limits:
    """None: no limit."""

    params: int | None = None
    macs: int | None = None
    latency_ms: float | None = None

    def excess(self, cost: Cost) -> float:
        """How far a network is beyond the limits: 0 within all of them, else the shares that are too much, added up.

        One that has 10 % too many parameters and 20 % too many MACs: 0.3.
        """
        total = 0.0
        for found, most in zip(cost, self.bounds(), strict=True):
            if most is not None:
                assert found is not None
                total += max(found / most - 1, 0.0)
        return total

    def bounds(self) -> tuple[float | None, ...]:
        """In the order of Cost."""
        return self.params, self.macs, self.latency_ms

    def __bool__(self) -> bool:
        return any(bound is not None for bound in self.bounds())

    def __str__(self) -> str:
        bounds = zip(UNITS.values(), self.bounds(), strict=True)
        return " and ".join(f"at most {bound:,} {unit}" for unit, bound in bounds if bound is not None)


def read_amount(key: str, text: str | None) -> int | None:
    """A number of parameters or MACs: 500k, 1.5M, 2G, 750000. ValueError, which names the key, for others."""
    if text is None:
        return None
    found = re.fullmatch(
        r"([0-9]{1,15}(?:\.[0-9]{1,9})?(?:e\+?[0-9]{1,2})?) ?([kmg]?)", text.strip().lower(), re.ASCII
    )
    amount = float(found[1]) * _SCALES[found[2]] if found else 0.0
    if not 1 <= amount < 10**15:
        raise ValueError(f"{key}: expected a number from 1 up, as in 500k, 1.5M or 2G, found {text!r}")
    return int(amount)
