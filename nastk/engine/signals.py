"""Stopping on request: SIGINT and SIGTERM end a run at a step's end, or abandon the step if it lasts.

A step that ends within `GRACE_S` after the signal is kept; a longer one is abandoned between two
batches, and the last checkpoint stands. A second SIGINT stops at once.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_S = 5.0  # a checkpoint is promised within 10 s


class Stopped(Exception):
    """The run was asked to stop by `signal_number`."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class StopRequest:
    """Whether a signal has come, and since when."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.on_waiting: Callable[[], None] = lambda: None  # called once where a step goes on after a signal
        self._since = 0.0
        self._told = False

    def at_batch(self) -> None:
        """Called between batches: raises Stopped if a signal came more than GRACE_S ago."""
        if self.signal_number is not None and not self._told:
            self._told = True
            self.on_waiting()
        if self.signal_number is not None and time.monotonic() - self._since > GRACE_S:
            raise Stopped(self.signal_number)

    def at_step(self) -> None:
        """Called between steps: raises Stopped if a signal came."""
        if self.signal_number is not None:
            raise Stopped(self.signal_number)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM in this block; in a thread that gets no signals, nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self.signal_number is None:
                self.signal_number, self._since = number, time.monotonic()
            elif number == signal.SIGINT:
                at_once(number, frame)

        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        outer = before[signal.SIGINT]  # which raises KeyboardInterrupt in its own way, if it does not ignore
        at_once = outer if callable(outer) else signal.default_int_handler
        try:
            for number in before:
                signal.signal(number, handle)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
