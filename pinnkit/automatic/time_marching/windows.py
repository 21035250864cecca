r"""Marching through time: windows whose length, width and coordinates follow what is left of the validation residual.

The start of a window says how wide its network has to be and where its coordinates are stretched (`window_start`). What
the window leaves of the validation residual says whether it is short enough, as the local error does in integrators.
One that leaves too much is shortened; where that hardly helps, space is not resolved, and the network is widened.
"""

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.types import Params
from ...networks.functional import FunctionalModel, parameter_count
from ...runs.recorder import Recorder
from ..random_features.solver import FINAL_STEPS, Attempt, FeatureSolver
from .initial_slice import Start, Values, find_start
from .marching import Marching, piecewise

UNKNOWNS = (400, 800, 1600, 2400)
"""Unknowns of a window to choose from."""

FIRST = 1 / 16
"""Length of the first window, as a share of the whole time."""

ACCEPTED, INHERITED, FROM_START = (1e-17, 1e-15, 1e-11, 1e-9), 10.0, 30.0
"""Share of its validation loss with which a window is kept, by its unknowns: less is asked of those that cost more. Or
so many times what was left where nothing helped, or residuals so many times the relative error of the start: a window
cannot be better than what it starts from."""

TOLERATED, ROUGH, TOLERATED_ROUGH = 1e-6, 1e-6, 1e-3
"""Share with which a window is kept where nothing helps, the relative error above which a start is rough (it has a
kink, say), and the share tolerated then: most of it is the start's own, gone before long."""

AIM, ORDER = 0.1, 12
"""What lengths aim at, as a share of what is accepted; what is left falls about with this power of the length."""

RISING = 2.0
"""Windows are shortened beforehand only where one left so many times what the one before left, and lengthened most
where a longer one did not: length is not what matters where rounding or space is what is left."""

SHRINKAGE, GROWTH, SHORTEST = (0.3, 0.7), 2.0, 1 / 512

MARGIN = 1.25
"""Sines of a window over those that its start needs."""

PAYS = 0.1
"""A shorter window, or more sines, must leave less than this share of what was left."""

FORESEEABLE = 0.1
"""Share of the whole time after which the pace so far, or of the last window, tells how long the rest will take."""

EASED, EASIEST = 100.0, 1e-10
"""Where the rest would take longer than the time that is left, so many times as much may be left of the loss from there
on, up to this share: windows that start from worse are not resolved later on, where fronts form."""

PATIENCE = 0.4
"""Share of the time that is left which windows may take before that can be told."""

LOOK = 1.5
"""The look at the whole that comes last takes so many times what a network takes to compile."""

HOPE = 1.5
"""Windows are given up where the rest would take so many times the time that is left, for they grow longer."""


class Window(NamedTuple):
    """- `span`: its two times; `start`: what it goes on from; `solver`: of its width;
    - `initial`: its parameters before; `attempt`: after, with what is left.
    """

    span: tuple[float, float]
    start: Start
    solver: FeatureSolver
    initial: Params
    attempt: Attempt

    @property
    def left(self) -> float:
        return self.attempt.left

    @property
    def tolerated(self) -> float:
        return TOLERATED_ROUGH if self.start.error > ROUGH else TOLERATED


class _Pace(NamedTuple):
    """How the next window is tried: its length, its least width, what was left where nothing helped, how many times
    as much as usual may be left, for want of time, what may be left since the target asks for no less, and what the
    window before left and how long it was.
    """

    length: float
    width: int = 0
    floor: float = 0.0
    ease: float = 1.0
    asked: float = 0.0
    before: float = 0.0
    length_before: float = math.inf

    def after(self, window: Window, accepted: float, target: float | None) -> "_Pace":
        """After a window that is kept, whether what it leaves is accepted or nothing helped."""
        expected = (self.length / self.length_before) ** ORDER
        if window.left > accepted:
            wanted = 1.0
        elif expected > RISING and window.left <= expected**0.5 * self.before:
            wanted = GROWTH
        else:
            wanted = max(_factor(window, accepted), 1.0 if window.left <= RISING * self.before else 0.0)
        asked = min(AIM * (target or 0.0) / window.attempt.before, EASIEST) if window.attempt.before > 0 else 0.0
        length = self.length * min(wanted, GROWTH)
        return self._replace(length=length, asked=asked, before=window.left, length_before=self.length)

    def shorter(self, window: Window, accepted: float) -> "_Pace":
        return self._replace(length=self.length * float(np.clip(_factor(window, accepted), *SHRINKAGE)))


def _factor(window: Window, accepted: float) -> float:
    """By how much a window would be longer that leaves what is aimed at."""
    return (AIM * accepted / max(window.left, 1e-300)) ** (1 / ORDER)


class Windows:
    """Solves a problem in time windows."""

    def __init__(self, marching: Marching, seed: int, recorder: Recorder):
        self._marching, self._seed, self._recorder = marching, seed, recorder
        outputs = sum(marching.problem.field_sizes.values())
        self._widths = [max(n // outputs, 1) for n in UNKNOWNS]
        self._reserve = (1 - PATIENCE) * recorder.limits.seconds_left
        self._compiled = dict[tuple[str, int, int], float]()  # seconds of what is done for the first time
        self._pace = 0.0  # seconds of solving for a unit of time
        self._solver = functools.cache(self._make_solver)
        self._ends = functools.cache(self._make_ends)
        self._first, self._last = (
            float(bound[marching.axis]) for bound in (marching.domain.lower, marching.domain.upper)
        )

    def run(self) -> list[Window] | None:
        """Windows from the first time to the last; None where even short ones are not resolved, or time runs out."""
        recorder, whole = self._recorder, self._last - self._first
        recorder.phase("time windows")
        found, entered = list[Window](), self._solving()
        values, now, pace = self._declared(), self._first, _Pace(FIRST * whole)
        while now < self._last:
            began = self._solving()
            window, pace = self._resolved(values, now, pace)
            accepted = self._accepted(window.start, pace)
            if window.left > window.tolerated:
                recorder.decide(
                    f"time windows given up before {window.span[1]:.3g}: what was tried leaves {window.left:.1e}"
                )
                return None
            found.append(window)
            values, following = self._at_end(window), pace.after(window, accepted, recorder.limits.target)
            seconds, (before, now) = self._solving(), window.span
            self._pace = min((seconds - began) / (now - before), (seconds - entered) / (now - self._first))
            in_time = self._in_time(following, found)
            if in_time is None:
                return None
            pace = in_time
        self._describe(found)
        return found

    def _in_time(self, pace: _Pace, found: list[Window]) -> _Pace | None:
        """How to go on so that the time that is left suffices; None where it will not."""
        recorder, now = self._recorder, found[-1].span[1]
        if now >= self._last:
            return pace
        needed, left, foreseeable = self._needed(now), recorder.limits.seconds_left, self._is_foreseeable(now)
        allowed = EASED * self._accepted(found[-1].start, pace)
        is_short = foreseeable and needed > left - LOOK * self._compilation
        if is_short and left > 0 and allowed <= EASIEST:
            recorder.decide(
                f"time windows may leave {allowed:.1e} of the loss from {now:.3g} on: at this pace the rest would take "
                f"{needed:.0f} s of {left:.0f} s"
            )
            return pace._replace(ease=EASED * pace.ease)
        if self._is_over(now) or (foreseeable and needed > HOPE * left):
            recorder.skip(f"time windows from {now:.3g} on ({len(found)} done)", needed, left)
            return None
        return pace

    def _needed(self, now: float) -> float:
        """Seconds that the rest will take at the present pace; 0 where there is none yet."""
        return (self._last - now) * self._pace

    @property
    def _compilation(self) -> float:
        """Seconds that a network takes the first time."""
        return max(self._compiled.values())

    def _solving(self) -> float:
        """Seconds so far, without those of what was compiled."""
        return self._recorder.limits.seconds() - sum(self._compiled.values())

    @contextlib.contextmanager
    def _first_time(self, what: str, width: int, points: int = 0) -> Iterator[None]:
        """Inside is something that is compiled for each width and number of points."""
        began = self._recorder.limits.seconds()
        yield
        self._compiled.setdefault((what, width, points), self._recorder.limits.seconds() - began)

    def _is_foreseeable(self, now: float) -> bool:
        return now - self._first > FORESEEABLE * (self._last - self._first)

    def _is_over(self, now: float, needed: float = 0.0) -> bool:
        """Whether there is no time for what needs so many seconds."""
        kept = 0.0 if self._is_foreseeable(now) else self._reserve
        return self._recorder.is_over or self._recorder.limits.seconds_left - needed < kept

    def _lacks(self, seconds: float) -> bool:
        """Whether there is no time for a step of so many seconds, or somebody has ended the run."""
        return self._recorder.stopped or self._recorder.limits.seconds_left <= seconds

    def _resolved(self, values: Values, now: float, pace: _Pace) -> tuple[Window, _Pace]:
        """A window short and wide enough for what is left to be accepted, or the best where nothing helps."""
        window = self._solved(self._start(values, now, self._wide(pace.width)), now, pace)
        while True:
            window, pace = self._shortened(window, now, pace)
            if window.left <= self._accepted(window.start, pace) or window.start.error > ROUGH:
                return window, pace
            if not (wider := self._wide(window.start.width + 1)):
                return window, pace._replace(floor=window.left)
            if self._is_over(now, self._to_widen(wider[0], window)):
                return window, pace._replace(floor=window.left)
            other = self._solved(self._start(values, now, wider[:1]), now, pace)
            if other.left > PAYS * window.left:
                best = min(window, other, key=lambda one: one.left)
                return best, pace._replace(floor=best.left)
            window, pace = other, pace._replace(width=other.start.width)

    def _to_widen(self, width: int, window: Window) -> float:
        """Seconds that have to be left for a wider network: what is compiled, and the rest if the window will do.

        As long as the rest cannot be foreseen, time is kept for it anyhow.
        """
        once = 0.0 if ("solve", width, 0) in self._compiled else self._compilation
        now = window.span[0]
        if window.left > window.tolerated or not self._is_foreseeable(now):
            return once
        return once + self._needed(now) + LOOK * self._compilation

    def _shortened(self, window: Window, now: float, pace: _Pace) -> tuple[Window, _Pace]:
        """The window, or a shorter one where that helps."""
        while pace.length > SHORTEST * (self._last - self._first):
            accepted = self._accepted(window.start, pace)
            if window.left <= accepted or self._is_over(now):
                break
            shorter = pace.shorter(window, accepted)
            other = self._solved(window.start, now, shorter)
            if other.left > PAYS * window.left and other.left > accepted:
                break
            window, pace = other, shorter
        return window, pace

    def _wide(self, least: int) -> list[int]:
        """Widths from `least` on."""
        return [width for width in self._widths if width >= least]

    def _accepted(self, start: Start, pace: _Pace) -> float:
        own = ACCEPTED[self._widths.index(start.width)]
        return max(pace.ease * own, pace.asked, INHERITED * pace.floor, (FROM_START * start.error) ** 2)

    def _describe(self, found: list[Window]) -> None:
        lengths, widest = np.diff(edges(found)), max(window.solver.layer.size for window in found)
        stretched = sum(bool(np.any(window.start.stretching.share)) for window in found)
        self._recorder.decide(
            f"{len(found)} time windows of {lengths.min():.2g} to {lengths.max():.2g}, of at most {widest} unknowns, "
            f"{stretched} with stretched coordinates; the worst leaves {max(w.left for w in found):.1e} of its loss"
        )

    def _start(self, values: Values, now: float, widths: list[int]) -> Start:
        began, known = self._recorder.limits.seconds(), sum(self._compiled.values())
        start = self._recorder.recall(
            f"start {widths}",
            lambda: find_start(self._marching, values, now, widths, MARGIN, self._seed),
            Start.packed,
            lambda arrays: Start.unpacked(arrays, self._marching, self._seed),
        )
        compiled = sum(self._compiled.values()) - known  # of the values, inside
        self._compiled.setdefault(("start", start.width, 0), self._recorder.limits.seconds() - began - compiled)
        return start

    def _make_solver(self, width: int) -> FeatureSolver:
        make = lambda bandwidth: self._marching.model(width, bandwidth, self._seed)
        return FeatureSolver(self._marching.problem, make, self._seed)

    def _solved(self, start: Start, now: float, pace: _Pace) -> Window:
        span = now, self._last if now + 1.001 * pace.length > self._last else now + pace.length
        solver = self._solver(start.width)
        params = solver.params(start.bandwidth)
        self._recorder.announce(("time windows",), parameter_count(params), solver.counts)
        given = {"start": start.params, "stretching": start.stretching, "window": jnp.array(span)}
        params = {**params, "network": {**params["network"], **given}}
        moved = functools.partial(self._marching.move, window=span, stretching=start.stretching)
        enough = AIM**2 * self._accepted(start, pace)
        most = int(min(FINAL_STEPS, self._recorder.steps_left))
        with self._first_time("solve", start.width):
            attempt = self._recorder.recall(
                f"window {span} {start.width} {start.bandwidth}",
                lambda: solver.solve(params, most, moved, enough, self._lacks),
                Attempt.packed,
                lambda arrays: Attempt.unpacked(arrays, params),
            )
        if attempt.lacked:
            self._recorder.skip("further Gauss-Newton steps", attempt.lacked, self._recorder.limits.seconds_left)
        self._recorder.add(attempt.steps, attempt.after)
        return Window(span, start, solver, params, attempt)

    def _declared(self) -> Values:
        function = jax.jit(jax.vmap(self._marching.declared))
        return lambda x: np.asarray(function(jnp.asarray(x)))

    def _at_end(self, window: Window) -> Values:
        params = window.attempt.params["network"]
        function = self._ends(window.solver)

        def values(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n q"]:
            with self._first_time("end", window.start.width, len(x)):
                return np.asarray(function(params, jnp.asarray(x)))

        return values

    def _make_ends(self, solver: FeatureSolver) -> Any:
        at_end = functools.partial(self._marching.at_end, solver.model)
        return jax.jit(jax.vmap(at_end, (None, 0)))


def edges(windows: list[Window]) -> list[float]:
    """The times between windows, first and last included."""
    return [windows[0].span[0], *(window.span[1] for window in windows)]


def width_of(windows: list[Window]) -> int:
    """Sines of the widest window."""
    return max(window.attempt.params["network"]["features"].frequency.shape[0] for window in windows)


def joined(marching: Marching, windows: list[Window]) -> FunctionalModel:
    """One model of all windows, each with as many sines as the widest has."""
    widest = max((window.solver for window in windows), key=lambda solver: solver.layer.size)
    like = widest.model.params
    params = [jax.tree.map(_padded, window.attempt.params["network"], like) for window in windows]
    return piecewise(widest.model, marching.axis, edges(windows), params)


def _padded(leaf: Any, like: Any) -> jax.Array:
    """Zeros appended up to the shape of another leaf: sines that nothing is made of."""
    leaf = jnp.asarray(leaf)
    return jnp.pad(leaf, [(0, more - size) for size, more in zip(leaf.shape, jnp.shape(like), strict=True)])
