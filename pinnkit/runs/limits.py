"""The limits of a run: steps, seconds, a target."""

import math

from .._base.clock import Clock
from .stop_reason import StopReason

COULD_GO_ON = (StopReason.SOLVED, StopReason.CONVERGED, StopReason.STALLED, StopReason.STEPS)
"""Reasons that become `BUDGET` if anything was skipped for lack of time."""


class Limits:
    """When a run must stop: total `steps`, `budget` in seconds on the `clock`, and validation loss `target`.

    The end of a run takes time as well: seconds reserved for it (`keep`) are not available for solving.
    """

    def __init__(self, steps: int | None, budget: float | None, target: float | None, clock: Clock):
        self.steps, self.budget, self.target, self.clock = steps, budget, target, clock
        self._kept = dict[str, float]()

    def keep(self, what: str, seconds: float) -> None:
        """Reserve seconds for a purpose, in place of those reserved for it before."""
        self._kept[what] = seconds

    def kept(self, what: str) -> float:
        """The seconds reserved for a purpose."""
        return self._kept.get(what, 0.0)

    def seconds(self) -> float:
        return self.clock.seconds()

    @property
    def end(self) -> float:
        """Seconds on the clock by which solving must end."""
        return math.inf if self.budget is None else self.budget - sum(self._kept.values())

    @property
    def seconds_left(self) -> float:
        return self.end - self.seconds()

    @property
    def whole_left(self) -> float:
        """Seconds left of the whole budget, reserved ones included."""
        return math.inf if self.budget is None else self.budget - self.seconds()

    @property
    def is_over(self) -> bool:
        """Whether no time is left for solving."""
        return self.seconds_left <= 0
