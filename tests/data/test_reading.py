"""Many files, and several threads that read them."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nastk.data.reading import Unreadable, attempt_all

PATHS = [str(number) for number in range(200)]


def every_third_fails(path: str) -> str:
    if int(path) % 3 == 0:
        raise ValueError(f"bad\n{path}")
    return path


@pytest.mark.parametrize("threads", [0, 1, 5, 10**6])
def test_results_are_in_order(threads):
    results = attempt_all(every_third_fails, PATHS, threads)
    assert [isinstance(result, Unreadable) for result in results] == [
        number % 3 == 0 for number in range(200)
    ]
    assert results[4] == "4" and results[3] == Unreadable("3", "bad 3")
    assert attempt_all(every_third_fails, [], threads) == []


@pytest.mark.parametrize("threads", [1, 4])
def test_enough_failures_end_it_always_at_the_same_file(threads):
    for _ in range(5):
        results = attempt_all(every_third_fails, PATHS, threads, enough=10)
        assert len(results) == 28
        assert sum(isinstance(result, Unreadable) for result in results) == 10
    assert len(attempt_all(every_third_fails, PATHS, threads, enough=68)) == 200


@pytest.mark.parametrize("threads", [1, 4])
def test_one_interrupt_ends_it(threads):
    """At once, however many files are waiting: those in hand are finished."""
    read = []
    main = threading.main_thread()

    def slowly(path):
        read.append(path)
        if len(read) == 20:
            signal.pthread_kill(main.ident, signal.SIGINT)
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        attempt_all(slowly, [str(number) for number in range(100_000)], threads)
    assert len(read) < 2000


def test_one_interrupt_ends_it_even_while_threads_start(monkeypatch):
    read = []
    submitted = []
    submit = ThreadPoolExecutor.submit

    def interrupted(self, *args):
        submitted.append(submit(self, *args))
        if len(submitted) == 2:
            raise KeyboardInterrupt
        return submitted[-1]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        attempt_all(lambda path: (read.append(path), time.sleep(0.01)), PATHS * 100, 4)
    assert len(read) < 2000


def test_too_little_memory_ends_it_too():
    read = []

    def failing(path):
        read.append(path)
        time.sleep(0.001)
        if path == "5":
            raise MemoryError
        return path

    with pytest.raises(MemoryError):
        attempt_all(failing, PATHS * 100, 4)
    assert len(read) < 2000
