"""JSON as nastk reads it back from files that anybody may have edited: only what JSON has, of sane size.

Python's own reader takes NaN and Infinity, makes inf of 1e400, and fails in ways of its own at 5,000
digits and at 1,000 brackets.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DIGITS = 18  # of an integer: whatever nastk counts stays below


def read_json(text: str) -> Any:
    """The value of a JSON text; ValueError in one line if it is none, whatever the text."""
    try:
        return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except RecursionError:
        raise ValueError("no JSON: too many brackets in one another") from None
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None


def _integer(text: str) -> int:
    digits = len(text.lstrip("-"))
    if digits > MAX_DIGITS:
        raise ValueError(f"an integer of {digits} digits, where at most {MAX_DIGITS} are read")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:30]} is too large")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no number; null stands where there is none")
