"""How long the remaining time windows will take, from those that were solved."""

import contextlib
from collections.abc import Generator, Hashable

from ...runs.limits import Limits
from .settings import WindowSettings


class Forecast:
    """Predicts seconds from the pace of the windows so far and from measured compilations.

    - `first`, `last`: the time interval of the problem.
    """

    def __init__(self, settings: WindowSettings, limits: Limits, first: float, last: float):
        self._settings, self._limits, self.first, self.last = settings, limits, first, last
        self._reserve = (1 - settings.patience) * limits.seconds_left
        self._compiled = dict[Hashable, float]()  # seconds of everything that is done for the first time
        self._pace = 0.0  # seconds of solving for a unit of time
        self._entered = self.solving_seconds

    @property
    def solving_seconds(self) -> float:
        """Seconds so far, without those of compilations."""
        return self._limits.seconds() - self.compiled_seconds

    @property
    def compiled_seconds(self) -> float:
        """Seconds of all compilations so far."""
        return sum(self._compiled.values())

    @property
    def compilation(self) -> float:
        """Seconds that the compilation of a network takes."""
        return max(self._compiled.values())

    def compilation_of(self, key: Hashable) -> float:
        """Seconds that it will take to compile something; 0 if it is compiled already."""
        return 0.0 if key in self._compiled else self.compilation

    def add_compilation(self, key: Hashable, seconds: float) -> None:
        """Seconds of something that is compiled when it is done for the first time; later ones do not count."""
        self._compiled.setdefault(key, seconds)

    @contextlib.contextmanager
    def first_time(self, key: Hashable) -> Generator[None, None, None]:
        """Time the context as a compilation, if it is the first with this key."""
        began = self._limits.seconds()
        yield
        self.add_compilation(key, self._limits.seconds() - began)

    def observe(self, began: float, span: tuple[float, float]) -> None:
        """A window was solved, whose work began at these seconds of solving: follow the faster of two paces."""
        seconds, (before, now) = self.solving_seconds, span
        self._pace = min((seconds - began) / (now - before), (seconds - self._entered) / (now - self.first))

    def needed(self, now: float) -> float:
        """Seconds for the rest of the windows at the present pace; 0 before the first."""
        return (self.last - now) * self._pace

    @property
    def concluding(self) -> float:
        """Seconds of what follows the last window."""
        return self._settings.concluding * self.compilation

    def is_foreseeable(self, now: float) -> bool:
        """Whether enough of the time interval is solved to predict the rest."""
        return now - self.first > self._settings.foreseeable * (self.last - self.first)

    def is_hopeless(self, now: float, left: float) -> bool:
        """Whether the rest will certainly take longer than the seconds that are left."""
        return self.is_foreseeable(now) and self.needed(now) > self._settings.hope * left

    def is_short(self, now: float, left: float) -> bool:
        """Whether the rest and what follows it may take longer than the seconds that are left."""
        return self.is_foreseeable(now) and self._settings.caution * self.needed(now) > left - self.concluding

    def lacks(self, now: float, needed: float = 0.0) -> bool:
        """Whether these seconds are not left: before the rest is foreseeable, time is reserved for other methods."""
        reserved = 0.0 if self.is_foreseeable(now) else self._reserve
        return self._limits.seconds_left - needed < reserved

    def to_widen(self, key: Hashable, now: float, is_good_enough: bool) -> float:
        """Seconds that must be left for trying a wider network for the window at `now`.

        A window that is good enough as it is must not cost the rest of the windows their time.
        """
        once = self.compilation_of(key)
        if not is_good_enough or not self.is_foreseeable(now):
            return once
        return once + self.needed(now) + self.concluding
