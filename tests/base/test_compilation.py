"""Seconds of tracing and compiling are counted once, wherever they go."""

import jax
import jax.numpy as jnp
import pytest

from pinnkit._base import compilation
from pinnkit._base.compilation import Stopwatch, compile_seconds


def test_a_span_inside_another_counts_once():
    tally = compilation._Tally()
    for span in ((1.0, 2.0), (3.0, 4.0), (0.5, 5.0), (6.0, 7.0)):
        tally.add(*span)
    assert tally.total == pytest.approx(5.5)


def test_old_spans_are_forgotten_and_stay_counted(monkeypatch):
    monkeypatch.setattr(compilation, "_REMEMBERED", 5)
    tally = compilation._Tally()
    for i in range(100):
        tally.add(2.0 * i, 2.0 * i + 1)
    assert tally.total == pytest.approx(100.0) and len(tally.spans) <= 10


def test_compiling_is_heard_and_is_not_work():
    watch, before = Stopwatch(), compile_seconds()
    jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x).T)(jnp.ones((3, 3))).block_until_ready()
    assert watch.compiled == compile_seconds() - before > 0
    assert watch.own >= 0
