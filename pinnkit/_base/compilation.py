"""Seconds that tracing and compiling take, wherever it happens."""

import threading

import jax

from .clock import now
from .devices import agreed

_EVENTS = "/jax/core/compile/"

_REMEMBERED = 10_000
"""Spans, of which the newest may yet turn out to be part of a longer one."""


class _Tally(threading.local):
    """Of one thread: the spans of time in which it compiled, none inside another, and the sum of their lengths."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []
        self.total = 0.0

    def add(self, began: float, ended: float) -> None:
        """A span that has just ended, and may hold earlier ones: one program is traced inside another."""
        while self.spans and self.spans[-1][0] >= began:
            inner = self.spans.pop()
            self.total -= inner[1] - inner[0]
        self.spans.append((began, ended))
        self.total += ended - began
        if len(self.spans) > 2 * _REMEMBERED:
            del self.spans[:_REMEMBERED]


_tally = _Tally()


def compile_seconds() -> float:
    """Seconds that this thread has spent on tracing and compiling since the package was imported.

    Of several processes, those of the first one.
    """
    return agreed(_tally.total)


class Stopwatch:
    """Seconds since it was started, without those of tracing and compiling."""

    def __init__(self) -> None:
        self._began, self._compiled = now(), compile_seconds()

    @property
    def compiled(self) -> float:
        """Seconds of tracing and compiling since then."""
        return compile_seconds() - self._compiled

    @property
    def own(self) -> float:
        return max(agreed(now() - self._began) - self.compiled, 0.0)


def _heard(event: str, duration_secs: float, **_: str | int) -> None:
    if event.startswith(_EVENTS):
        ended = now()
        _tally.add(ended - duration_secs, ended)


jax.monitoring.register_event_duration_secs_listener(_heard)
