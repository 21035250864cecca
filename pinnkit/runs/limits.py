"""The limits of a run: steps, seconds, signals."""

import math

from .._base.clock import Clock
from .stop_reason import StopReason

COULD_GO_ON = (StopReason.SOLVED, StopReason.CONVERGED, StopReason.STALLED, StopReason.STEPS)
"""Reasons of runs that more time might have helped, if time has cut anything."""


class Limits:
    """When to stop: `steps` in all, seconds of wall time `budget` on the `clock`, and a validation loss `target`.

    What comes at the end takes time as well: the seconds that are kept for it (`keep`) are no longer left for solving.
    """

    def __init__(self, steps: int | None, budget: float | None, target: float | None, clock: Clock):
        self.steps, self.budget, self.target, self.clock = steps, budget, target, clock
        self._kept = dict[str, float]()

    def keep(self, what: str, seconds: float) -> None:
        """Keep so many seconds for something, in place of those that were kept for it before."""
        self._kept[what] = seconds

    def kept(self, what: str) -> float:
        """The seconds that are kept for something."""
        return self._kept.get(what, 0.0)

    def seconds(self) -> float:
        return self.clock.seconds()

    @property
    def end(self) -> float:
        """Seconds on the clock at which solving must have ended."""
        return math.inf if self.budget is None else self.budget - sum(self._kept.values())

    @property
    def seconds_left(self) -> float:
        return self.end - self.seconds()

    @property
    def whole_left(self) -> float:
        """Seconds of the budget, kept ones too."""
        return math.inf if self.budget is None else self.budget - self.seconds()

    @property
    def is_over(self) -> bool:
        """Whether no time is left for solving."""
        return self.seconds_left <= 0
