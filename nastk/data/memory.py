"""What images may take of this machine's memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Lets threads decode side by side while their images together have at most `total` pixels.

    An image with more of them is decoded alone.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._left = total
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self.total)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= pixels)
            self._left -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._left += pixels
                self._changed.notify_all()


def check_fits(num_bytes: int, what: str) -> None:
    """ValueError if `what` takes more than this machine has, which is known everywhere but on Windows."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return
    if num_bytes > machine:
        raise ValueError(
            f"{what} would take {num_bytes / 2**30:,.1f} GiB, more than this machine's {machine / 2**30:,.1f} GiB"
        )
