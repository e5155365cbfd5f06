"""Ctrl-C for the program, from its first line to its last: exit code 130 and no traceback, however often it comes.

By itself Python raises KeyboardInterrupt wherever it stands: also where it is just unwinding because of
another one; in a destructor, which prints a traceback and goes on; in the middle of an import, which may
leave half a module behind, or swallow it; and while it ends. The phases here are for the program alone:
nothing that is imported from elsewhere calls them.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

UNWINDING_S = 1.0  # after an interrupt, in which further ones are those of the same impatience
LATER_S = 0.05  # until it is tried again
EXIT_CODE = 128 + signal.SIGINT

_raised_at: float | None = None
_waiting = False  # for the end of an import


def leave_at_once() -> None:
    """From here on an interrupt ends the process: there is nothing yet that would have to be put in order."""
    _handle_by(_leave)


def unwind_once() -> None:
    """From here on an interrupt is a KeyboardInterrupt; those that come while it unwinds change nothing."""
    if _handle_by(_interrupt):
        sys.unraisablehook = _unraisable


def ignore() -> None:
    """From here on it is decided how the process ends."""
    _handle_by(signal.SIG_IGN)
    # Python remembers a KeyboardInterrupt that went through the evaluation of a text (as named tuples are made),
    # and at its end kills itself by SIGINT for it, unless another such evaluation went well.
    eval("0")


def _handle_by(handler: Any) -> bool:
    """Set the handler, but not in a process that was started with interrupts ignored (behind an &, by nohup)."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        return False
    signal.signal(signal.SIGINT, handler)
    return True


def _leave(*_: Any) -> None:
    os.write(2, b"Interrupted\n")
    os._exit(EXIT_CODE)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt, unless one was raised just before; in the middle of an import a little later."""
    global _raised_at
    now = time.monotonic()
    if _raised_at is not None and now - _raised_at < UNWINDING_S:
        return
    if not _imports(frame):
        _raised_at = now
        raise KeyboardInterrupt
    _try_later()


def _try_later() -> None:
    """Once more the same, a moment later."""
    global _waiting

    def try_again() -> None:
        global _waiting
        time.sleep(LATER_S)
        _waiting = False
        _thread.interrupt_main()

    if not _waiting:
        _waiting = True
        _thread.start_new_thread(try_again, ())


def _imports(frame: FrameType | None) -> bool:
    """Whether `frame` is part of an import."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _unraisable(found: Any) -> None:
    """What a destructor or a callback of the interpreter swallows; of an interrupt that must not be the end."""
    global _raised_at
    if issubclass(found.exc_type, KeyboardInterrupt):
        _raised_at = None
        _try_later()
    else:
        sys.__unraisablehook__(found)
