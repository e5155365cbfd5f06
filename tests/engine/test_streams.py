"""Random streams: independent of one another, and restored exactly."""

from __future__ import annotations

import torch

from nastk.engine.random import Streams


def _draw(streams: Streams, name: str, num: int = 4) -> list[float]:
    return torch.rand(num, generator=streams[name]).tolist()


def test_a_stream_depends_on_seed_and_name_only():
    one, other = Streams(3), Streams(3)
    for name in ("a", "b", "c"):
        _draw(one, name, 100)
    assert _draw(one, "fresh") == _draw(other, "fresh")
    assert _draw(Streams(3), "a") != _draw(Streams(3), "b")
    assert _draw(Streams(3), "a") != _draw(Streams(4), "a")
    assert _draw(Streams(1), "1/a") != _draw(Streams(11), "a")


def test_draws_in_one_stream_move_no_other():
    quiet, busy = Streams(0), Streams(0)
    _draw(quiet, "a", 2), _draw(busy, "a", 2)
    _draw(busy, "b", 1000)
    torch.rand(1000)
    assert _draw(quiet, "a") == _draw(busy, "a")


def test_large_seeds():
    assert _draw(Streams(2**32 - 1), "a") != _draw(Streams(2**32 - 2), "a")


def test_restored():
    streams = Streams(0)
    _draw(streams, "a"), _draw(streams, "b", 7)
    state = streams.state_dict()
    expected = [_draw(streams, name) for name in ("a", "b", "new")]
    for seed in (0, 1):  # the state is the whole of a stream that is in it
        again = Streams(seed)
        _draw(again, "a", 3), _draw(again, "c")
        again.load_state_dict(state)
        found = [_draw(again, name) for name in ("a", "b", "new")]
        assert found[:2] == expected[:2]
        assert (found[2] == expected[2]) == (seed == 0)


def test_a_state_does_not_move():
    streams = Streams(0)
    _draw(streams, "a")
    state = streams.state_dict()
    before = {name: values.clone() for name, values in state.items()}
    _draw(streams, "a", 1000)
    assert all(torch.equal(before[name], state[name]) for name in before)


def test_streams_that_are_not_in_the_state_begin_anew():
    streams = Streams(0)
    state = streams.state_dict()
    first = _draw(streams, "a")
    streams.load_state_dict(state)
    assert _draw(streams, "a") == first
