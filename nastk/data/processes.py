"""Processes that read images: how they start and end, and many files read by several of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from nastk.data.reading import Unreadable, attempt_all

MANY = 20_000  # files; processes start in seconds, in which some thousands are read
_AT_A_TIME = 250  # files that a process is handed
_PRELOADED = ["nastk.data.images", "torchvision.transforms.v2"]  # which takes seconds, in the server alone

T = TypeVar("T")


def clean_context() -> BaseContext | None:
    """Of processes that start from a clean server process: a fork of this one would copy its threads' locks, its
    signal handlers and perhaps a CUDA context. None: this system starts them cleanly anyway."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Processes that start in this block never see an interrupt from the terminal, which reaches them all; one
    that comes meanwhile reaches this process afterwards: it decides when to stop."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def depend_on_parent(_worker: int = 0) -> None:
    """Leave interrupts to the parent, and end with it, even if it is killed.

    (torch's own watch sees the server process, which lives for as long as its workers.)
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def reading_by(workers: int, num_files: int) -> Iterator[Callable[..., list[Any]]]:
    """What reads that many files best, in parts: `attempt_all`, or the like of it with `workers` processes.

    These take functions and results that can be pickled. Where one of them ends before its time (for want of
    memory, say), threads read what is left.
    """
    if workers < 2 or num_files < MANY or multiprocessing.current_process().daemon:
        yield attempt_all
        return
    pool = ProcessPoolExecutor(workers, clean_context(), depend_on_parent)

    def attempt(
        read: Callable[[str], T], paths: Sequence[str], threads: int, *, enough: int | None = None
    ) -> list[T | Unreadable]:
        try:
            return _attempt_all_apart(pool, read, paths, enough)
        except BrokenProcessPool:
            return attempt_all(read, paths, threads, enough=enough)

    try:
        yield attempt
    finally:
        pool.shutdown(cancel_futures=True)


def _attempt_all_apart(
    pool: ProcessPoolExecutor, read: Callable[[str], T], paths: Sequence[str], enough: int | None
) -> list[T | Unreadable]:
    with interrupts_held_back():
        futures = [
            pool.submit(_attempt_some, read, paths[start : start + _AT_A_TIME])
            for start in range(0, len(paths), _AT_A_TIME)
        ]
    results: list[T | Unreadable] = []
    failures = 0
    for future in futures:
        for result in future.result():
            results.append(result)
            failures += isinstance(result, Unreadable)
            if failures == enough:
                return results
    return results


def _attempt_some(read: Callable[[str], T], paths: Sequence[str]) -> list[T | Unreadable]:
    return attempt_all(read, paths, 1)
