"""Pieces of work are done once: gone through again, results and times are those of before."""

import numpy as np

from pinnkit._base.clock import Clock
from pinnkit.runs.resume.replay import Replay


def asked(ledger, name, done, value=None):
    """Ask for a piece; what is really done is appended to `done`."""

    def work():
        done.append(name)
        return float(len(done) if value is None else value)

    return ledger.recall(name, work, lambda x: {"x": np.array(x)}, lambda arrays: float(arrays["x"]))


def test_what_is_known_is_not_done_again():
    first, done = Replay(Clock()), []
    results = [asked(first, name, done) for name in ("a", "b", "a")]
    second = Replay(Clock(), first.pieces, 100.0)
    assert second.is_replaying
    assert [asked(second, name, done) for name in ("a", "b", "a")] == results
    assert done == ["a", "b", "a"] and not second.is_replaying
    assert asked(second, "c", done) == 4.0 and len(second.pieces) == 4


def test_the_clock_shows_the_time_of_before_and_then_goes_on():
    clock = Clock(-1000.0)
    first = Replay(clock)
    for name in ("a", "b"):
        asked(first, name, [])
    times = [piece.seconds for piece in first.pieces]
    again = Clock()
    second = Replay(again, first.pieces, times[-1] + 50.0)
    assert again.seconds() == 0.0
    asked(second, "a", [])
    assert again.seconds() == times[0]
    asked(second, "b", [])
    assert times[-1] + 50.0 <= again.seconds() < times[-1] + 60.0


def test_who_asks_for_something_else_gets_it_done_and_the_rest_is_dropped():
    first, done = Replay(Clock()), []
    for name in ("a", "b", "c"):
        asked(first, name, done)
    second = Replay(Clock(), first.pieces, 7.0)
    asked(second, "a", done)
    asked(second, "other", done, value=9)
    assert [piece.name for piece in second.pieces] == ["a", "other"]
    assert asked(second, "b", done) == 5.0 and done == ["a", "b", "c", "other", "b"]
