"""The progress of a fit as one line of text."""

import time
from typing import TYPE_CHECKING

from .._base.numbers import count, duration, number, printable
from ..runs.callbacks import Covered, Progress, Start

if TYPE_CHECKING:
    from ..runs.summary import Summary

PHASES = {"output-layer": "linear solves for the output layer", "time windows": "time marching"}
"""What phases do, by name, where the name does not say it."""

FORESEEN = 0.05
"""Least share of a fit from which the time left is estimated."""


class ProgressLine:
    """Follows the events of a fit; `text` is the present state, the most important first."""

    def __init__(self) -> None:
        self._start: Start | None = None
        self._event: Progress | None = None
        self._activity, self._active_since = "", time.monotonic()

    def start(self, event: Start) -> None:
        self._start = event
        self.activity("compiling")

    def activity(self, text: str) -> None:
        self._activity, self._active_since = text, time.monotonic()

    def progress(self, event: Progress) -> None:
        self._event, self._activity = event, ""

    @property
    def fraction(self) -> float | None:
        """The share of the fit that is over, if known."""
        return None if self._event is None else self._event.fraction

    @property
    def text(self) -> str:
        event, parts = self._event, [] if self._start is None else [self._start.problem]
        if event is not None:
            parts += [
                *([] if event.fraction is None else [f"{100 * event.fraction:.0f} %"]),
                phase(event),
                f"validation loss {number(event.validation_loss)}",
                *(f"error {name} {number(value)}" for name, value in event.relative_l2.items()),
                *(f"{name} = {value:.4g}" for name, value in event.coefficients.items()),
                count(event.step, "step"),
                duration(event.seconds) + (f", {left} left" if (left := time_left(self._start, event)) else ""),
            ]
        if self._activity:
            parts.append(f"{self._activity} … {time.monotonic() - self._active_since:.0f} s")
        return printable(" · ".join(parts))


def phase(event: Progress) -> str:
    """What a fit is doing, and how far time windows have come."""
    own = PHASES.get(event.phase, event.phase)
    return own if event.covered is None else f"{own}, {covered(event.covered)}"


def covered(part: Covered) -> str:
    """As in `t = 0 to 0.37 of 1`."""
    return f"{part.coordinate} = {part.start:.3g} to {part.now:.3g} of {part.end:.3g}"


def time_left(start: Start | None, event: Progress) -> str:
    """Time until steps or budget are used up, else an estimate from the share that is over; empty if unknown."""
    steps, budget = (None, None) if start is None else (start.steps, start.budget)
    seconds = [] if budget is None else [budget - event.seconds]
    if steps is not None and event.steps_per_second > 0:
        seconds.append((steps - event.step) / event.steps_per_second)
    if not seconds and event.fraction is not None and event.fraction >= FORESEEN:
        seconds.append(event.seconds * (1 - event.fraction) / event.fraction)
    return duration(max(min(seconds), 0.0)) if seconds else ""


def outcome(summary: "Summary") -> str:
    """How a fit ended, in a line."""
    errors = "".join(f", error {name} {number(value)}" for name, value in (summary.relative_l2 or {}).items())
    steps, seconds = count(summary.steps, "step"), duration(summary.seconds.total)
    loss = f"validation loss {number(summary.validation_loss)}{errors}"
    return printable(f"{summary.problem}: {summary.ending}, after {steps} and {seconds}: {loss}")
