"""Requests to stop."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from nastk.engine import signals
from nastk.engine.signals import Stopped, StopRequest


class _Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(signals, "time", clock)
    return clock


def _send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_nothing_asked():
    stop = StopRequest()
    with stop.listening():
        stop.at_batch()
        stop.at_step()
    assert stop.signal_number is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_short_step_is_finished_a_long_one_abandoned(number, clock):
    stop = StopRequest()
    with stop.listening():
        _send(number)
        stop.at_batch()
        clock.now = signals.GRACE_S
        stop.at_batch()
        clock.now += 0.1
        with pytest.raises(Stopped) as stopped:
            stop.at_batch()
        assert (stopped.value.signal_number, str(stopped.value)) == (number, signal.Signals(number).name)
        with pytest.raises(Stopped):
            stop.at_step()


def test_impatient_managers_do_not_lengthen_the_grace(clock):
    """SIGTERM again and again: the first one counts."""
    stop = StopRequest()
    with stop.listening():
        for now in range(6):
            clock.now = float(now)
            _send(signal.SIGTERM)
        clock.now = signals.GRACE_S + 0.1
        with pytest.raises(Stopped):
            stop.at_batch()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_second_interrupt(first, clock):
    stop = StopRequest()
    with stop.listening():
        _send(first)
        with pytest.raises(KeyboardInterrupt):
            _send(signal.SIGINT)


def test_terminate_after_interrupt(clock):
    stop = StopRequest()
    with stop.listening():
        _send(signal.SIGINT)
        _send(signal.SIGTERM)
        assert stop.signal_number == signal.SIGINT


def test_how_the_second_interrupt_stops_is_the_caller_s_way(monkeypatch):
    """The program's way is to unwind once, whatever comes meanwhile; one that ignores them is none."""
    found = []
    before = signal.signal(signal.SIGINT, lambda number, _: found.append(number))
    try:
        with StopRequest().listening():
            for _ in range(3):
                _send(signal.SIGINT)
        assert found == [signal.SIGINT] * 2
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with StopRequest().listening(), pytest.raises(KeyboardInterrupt):
            _send(signal.SIGINT)
            _send(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_that_gets_no_signals():
    """A notebook, or a server, may search in one: there is nothing to listen to."""
    handlers = []

    def listen() -> None:
        with StopRequest().listening():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_handlers_are_put_back():
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with pytest.raises(RuntimeError), StopRequest().listening():
        assert [signal.getsignal(number) for number in numbers] != before
        raise RuntimeError
    assert [signal.getsignal(number) for number in numbers] == before


def test_who_waits_is_told_once():
    stop, told = StopRequest(), []
    stop.on_waiting = lambda: told.append("waiting")
    with stop.listening():
        stop.at_batch()
        assert told == []
        _send(signal.SIGINT)
        stop.at_batch()
        stop.at_batch()
    assert told == ["waiting"]
