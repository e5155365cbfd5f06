"""Decoders that talk about files: what they have to say is in the error, once."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Without any handler Python would print what Pillow logs.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_lock = threading.Lock()
_silencing = 0  # threads that are in `silent_stderr`
_stderr = -1  # what they have put aside


@contextmanager
def no_warnings() -> Iterator[None]:
    """Without PIL's about odd metadata and many pixels: neither changes what is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def silent_stderr() -> Iterator[None]:
    """For libtiff, which writes a line for every scanline that it does not like, past Python."""
    global _silencing, _stderr
    with _lock:
        if _silencing == 0:
            with suppress(OSError):  # there is no stderr, or no file may be opened any more
                _stderr = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)
        _silencing += 1
    try:
        yield
    finally:
        with _lock:
            _silencing -= 1
            if _silencing == 0 and _stderr >= 0:
                os.dup2(_stderr, 2)
                os.close(_stderr)
                _stderr = -1
