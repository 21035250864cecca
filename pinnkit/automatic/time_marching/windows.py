r"""Time marching: windows whose length, width and coordinates follow from the validation residual.

The initial slice of a window determines how wide its network has to be and where its coordinates are stretched. The
relative validation loss of the window is its local error: a window that leaves too much is shortened, and where that
hardly helps, space is not resolved and the network is widened.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.padding import padded
from ..._base.types import Params
from ...networks.functional import FunctionalModel, parameter_count
from ...runs.callbacks import Covered
from ...runs.decisions import AbandonedWindows, EasedWindows, SkippedWindows, SolvedWindows
from ...runs.recorder import Recorder
from ..random_features.solver import FeatureSolver, Solve
from .collocation import MomentsAndPlaces
from .controller import ControllerState
from .forecast import Forecast
from .initial_slice import InitialSlice, Values, Wanted, find_initial_slice
from .marching import Marching, piecewise
from .settings import WindowSettings, settings_for


class Window(NamedTuple):
    """- `span`: its first and last time; `start`: its initial slice; `solver`: of its width;
    - `initial`: its parameters before the solve; `solve`: the result.
    """

    span: tuple[float, float]
    start: InitialSlice
    solver: FeatureSolver
    initial: Params
    solve: Solve

    @property
    def relative_loss(self) -> float:
        return self.solve.relative_loss


class _Plan(NamedTuple):
    """How the next window is tried: its `length`, the state of the controller, the least `width` of its network.

    - `usual`: width of the last window: the next one needs one less, if at all narrower.
    """

    length: float
    state: ControllerState
    width: int = 0
    usual: int = 0


class Windows:
    """Solves a problem in time windows."""

    def __init__(self, marching: Marching, seed: int, recorder: Recorder, settings: WindowSettings | None = None):
        settings = settings_for(marching) if settings is None else settings
        self._marching, self._seed, self._recorder, self._settings = marching, seed, recorder, settings
        self._controller = settings.controller
        outputs = sum(marching.problem.field_sizes.values())
        self._widths = [max(n // outputs, 1) for n in settings.unknowns]
        self._solver = functools.cache(self._make_solver)
        self._ends = functools.cache(self._make_ends)
        first, self._last = (float(bound[marching.axis]) for bound in (marching.domain.lower, marching.domain.upper))
        self._forecast = Forecast(settings, recorder.limits, first, self._last)

    def run(self, is_short: bool = False) -> list[Window] | None:
        """Windows from the first time to the last; None if not even the first is resolved.

        If a later one is not resolved, or time runs out, the last window is all the rest.

        - `is_short`: whether time will be short, so that the tolerance is the largest from the first window on.
        """
        recorder, forecast = self._recorder, self._forecast
        recorder.phase("time windows")
        self._cover(forecast.first)
        found, values, now = list[Window](), self._declared(), forecast.first
        plan = _Plan(*self._controller.init(self._last - now))
        if is_short:
            plan = self._with(plan, ease=self._controller.most_eased)
        while now < self._last:
            began = forecast.solving_seconds
            window, plan = self._resolved(values, now, plan)
            tolerance = self._tolerance(window.start, plan)
            if not self._is_tolerable(window, plan):
                recorder.decide(AbandonedWindows(window.span[1], window.relative_loss))
                return self._with_rest(found, values, plan)
            found.append(window)
            values, following = self._at_end(window), self._following(window, tolerance, plan)
            forecast.observe(began, window.span)
            now = window.span[1]
            self._cover(now)
            in_time = self._in_time(following, found)
            if in_time is None:
                return self._with_rest(found, values, plan)
            plan = in_time
        self._describe(found)
        return found

    def _with_rest(self, found: list[Window], values: Values, plan: _Plan) -> list[Window] | None:
        """These windows, and all the rest as one; None without any, or if its loss is not finite."""
        if not found:
            return None
        known = {window.start.width for window in found}  # compiled already
        now, width = found[-1].span[1], min(known) if self._recorder.is_over else found[-1].start.width
        rest = self._solved(self._start(values, now, [width], plan), now, plan._replace(length=math.inf))
        return [*found, rest] if math.isfinite(rest.relative_loss) else None

    def _cover(self, now: float) -> None:
        name = self._marching.domain.coordinates[self._marching.axis]
        self._recorder.cover(Covered(name, self._forecast.first, now, self._last))

    def _following(self, window: Window, tolerance: float, plan: _Plan) -> _Plan:
        """How the window after one that is kept is tried."""
        length, state = self._controller.keep(window.relative_loss, tolerance, plan.length, plan.state)
        target = self._controller.for_target(self._recorder.limits.target, window.solve.initial_loss)
        return plan._replace(length=length, usual=window.start.width, state=dataclasses.replace(state, target=target))

    def _in_time(self, plan: _Plan, found: list[Window]) -> _Plan | None:
        """A plan for which the remaining time is sufficient; None if there is none."""
        recorder, forecast, now = self._recorder, self._forecast, found[-1].span[1]
        if now >= self._last:
            return plan
        needed, left = forecast.needed(now), recorder.limits.seconds_left
        eased = self._controller.eased * self._tolerance(found[-1].start, plan)
        if forecast.is_short(now, left) and left > 0 and eased <= self._controller.easiest:
            recorder.decide(EasedWindows(now, eased, needed, left))
            return self._with(plan._replace(width=0), ease=self._controller.eased * plan.state.ease)
        if self._is_over(now) or forecast.is_hopeless(now, left):
            work = f"time windows from t = {now:.3g} on"
            recorder.decide(SkippedWindows(work, needed, left, recorder.limits.seconds(), now, len(found)))
            return None
        return plan

    def _with(self, plan: _Plan, **changes: float) -> _Plan:
        """The plan with a changed state of the controller."""
        return plan._replace(state=dataclasses.replace(plan.state, **changes))

    def _is_over(self, now: float, needed: float = 0.0) -> bool:
        """Whether the run is over, or these seconds are not left."""
        return self._recorder.is_over or self._forecast.lacks(now, needed)

    def _resolved(self, values: Values, now: float, plan: _Plan) -> tuple[Window, _Plan]:
        """A window short and wide enough to be accepted, or the best one if nothing helps."""
        widths = self._wide(max(plan.width, self._below(plan.usual)))
        window = self._solved(self._start(values, now, widths, plan), now, plan)
        while True:
            window, plan = self._shortened(window, now, plan)
            loss = window.relative_loss
            if self._controller.accepts(loss, self._tolerance(window.start, plan)):
                return window, plan
            if self._controller.is_rough(window.start.error):
                return window, self._with(plan, floor=loss, rough=loss)
            if not (wider := self._wide(window.start.width + 1)):
                return window, self._with(plan, floor=loss)
            is_good_enough = self._is_tolerable(window, plan)
            if self._is_over(now, self._forecast.to_widen(("solve", wider[0]), now, is_good_enough)):
                return window, self._with(plan, floor=loss)
            other = self._solved(self._start(values, now, wider[:1], plan), now, plan)
            if not self._controller.helps(other.relative_loss, loss):
                best = min(window, other, key=lambda one: one.relative_loss)
                return best, self._with(plan, floor=best.relative_loss)
            window, plan = other, plan._replace(width=other.start.width)

    def _shortened(self, window: Window, now: float, plan: _Plan) -> tuple[Window, _Plan]:
        """The window, or a shorter one if that helps."""
        tolerance = self._tolerance(window.start, plan)
        while True:
            loss = window.relative_loss
            accepted, length, _ = self._controller.adapt(loss, tolerance, plan.length, plan.state)
            if accepted or length == plan.length or self._is_over(now):
                return window, plan
            shorter = plan._replace(length=length)
            other = self._solved(window.start, now, shorter)
            is_tolerable = self._is_tolerable(window, plan)
            if not self._controller.shortening_helps(other.relative_loss, loss, tolerance, is_tolerable):
                return window, plan
            window, plan = other, shorter

    def _is_tolerable(self, window: Window, plan: _Plan) -> bool:
        return self._controller.is_tolerable(window.relative_loss, window.start.error, plan.state)

    def _below(self, width: int) -> int:
        """The next narrower width, 0 if there is none."""
        return max((narrower for narrower in self._widths if narrower < width), default=0)

    def _wide(self, least: int) -> list[int]:
        """Widths from `least` on."""
        return [width for width in self._widths if width >= least]

    def _tolerance(self, start: InitialSlice, plan: _Plan) -> float:
        return self._controller.tolerance(self._own_tolerance(start.width), start.error, plan.state)

    def _own_tolerance(self, width: int) -> float:
        return self._settings.tolerances[self._widths.index(width)]

    def _describe(self, found: list[Window]) -> None:
        lengths = np.diff(edges(found))
        self._recorder.decide(
            SolvedWindows(
                windows=len(found),
                shortest=float(lengths.min()),
                longest=float(lengths.max()),
                unknowns=max(window.solver.layer.size for window in found),
                stretched=sum(bool(np.any(window.start.stretching.share)) for window in found),
                relative_loss=max(window.relative_loss for window in found),
            )
        )

    def _start(self, values: Values, now: float, widths: list[int], plan: _Plan) -> InitialSlice:
        wanted = Wanted(
            widths,
            self._settings.margin,
            met=self._controller.start_error(plan.state),
            plenty=self._controller.harmless(self._own_tolerance(widths[0])),
            usual=plan.usual,
        )
        began, known = self._recorder.limits.seconds(), self._forecast.compiled_seconds
        start = self._recorder.recall(
            f"start {widths}",
            lambda: find_initial_slice(self._marching, values, now, wanted, self._seed),
            InitialSlice.packed,
            lambda arrays: InitialSlice.unpacked(arrays, self._marching, self._seed),
        )
        inside = self._forecast.compiled_seconds - known  # the values are compiled inside
        self._forecast.add_compilation(("start", start.width), self._recorder.limits.seconds() - began - inside)
        return start

    def _make_solver(self, width: int) -> FeatureSolver:
        make = lambda bandwidth: self._marching.model(width, bandwidth, self._seed)
        sampler = MomentsAndPlaces(periodic=tuple(self._marching.ansatz.periods))
        return FeatureSolver(self._marching.problem, make, self._seed, sampler=sampler)

    def _solved(self, start: InitialSlice, now: float, plan: _Plan) -> Window:
        span = now, self._last if now + 1.001 * plan.length > self._last else now + plan.length
        solver = self._solver(start.width)
        params = solver.params(start.bandwidth)
        self._recorder.announce(("time windows",), parameter_count(params), solver.counts)
        given = {"start": start.params, "stretching": start.stretching, "window": jnp.array(span)}
        params = {**params, "network": {**params["network"], **given}}
        moved = functools.partial(self._marching.move, window=span, stretching=start.stretching)
        enough = self._controller.aim * self._tolerance(start, plan)
        most = int(min(solver.final_steps, self._recorder.steps_left))
        with self._forecast.first_time(("solve", start.width)):
            solve = self._recorder.recall(
                f"window {span} {start.width} {start.bandwidth}",
                lambda: solver.solve(params, most, moved, enough, self._recorder.lacks),
                Solve.packed,
                lambda arrays: Solve.unpacked(arrays, params),
            )
        self._recorder.add(solve.steps, solve.final_loss, solve.missing_seconds)
        return Window(span, start, solver, params, solve)

    def _declared(self) -> Values:
        function = jax.jit(jax.vmap(self._marching.declared))
        return lambda x: padded(function, x)

    def _at_end(self, window: Window) -> Values:
        params = window.solve.params["network"]
        function = self._ends(window.solver)

        def values(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n q"]:
            with self._forecast.first_time(("end", window.start.width, len(x))):
                return padded(functools.partial(function, params), x)

        return values

    def _make_ends(self, solver: FeatureSolver) -> Any:
        at_end = functools.partial(self._marching.at_end, solver.model)
        return jax.jit(jax.vmap(at_end, (None, 0)))


def edges(windows: list[Window]) -> list[float]:
    """The times between windows, first and last included."""
    return [windows[0].span[0], *(window.span[1] for window in windows)]


def width_of(windows: list[Window]) -> int:
    """Random features of the widest window."""
    return max(window.solve.params["network"]["features"].frequency.shape[0] for window in windows)


def joined(marching: Marching, windows: list[Window]) -> FunctionalModel:
    """One model of all windows, each padded to the features of the widest."""
    widest = max((window.solver for window in windows), key=lambda solver: solver.layer.size)
    like = widest.model.params
    params = [jax.tree.map(_padded, window.solve.params["network"], like) for window in windows]
    return piecewise(widest.model, marching.axis, edges(windows), params)


def _padded(leaf: Any, like: Any) -> jax.Array:
    """Zeros appended up to the shape of another leaf: features without a weight in the output."""
    leaf = jnp.asarray(leaf)
    return jnp.pad(leaf, [(0, more - size) for size, more in zip(leaf.shape, jnp.shape(like), strict=True)])
