"""The time of a run."""

import time

from .devices import agreed


def now() -> float:
    """Seconds of a clock of this process that never goes back."""
    return time.perf_counter()


class Clock:
    """Seconds since a run began, without those in which it was interrupted; in all processes the same.

    While a run that is resumed goes through what was done before, the clock shows the time at which that was done.
    """

    def __init__(self, zero: float | None = None):
        self._zero = now() if zero is None else zero
        self._held: float | None = None

    def seconds(self) -> float:
        return agreed(now() - self._zero) if self._held is None else self._held

    def hold(self, seconds: float) -> None:
        """Show this time until it is released."""
        self._held = seconds

    def run_on(self, seconds: float) -> None:
        """Go on from this time."""
        self._zero, self._held = now() - seconds, None
