r"""The decision procedure of strategy "auto": from sizes, linearity and the kernel to a plan, every decision recorded.

1. Conditions that what is declared allows to satisfy by construction are (`ansatz`).
2. One layer of sines is tried on few features with several bandwidths along each coordinate; the one whose kernel
   leaves least of the held-out residual is taken (`bandwidth`).
3. The output layer is solved: at once where the residual is affine in it, by Gauss-Newton steps otherwise
   (`output_layer`). The width grows as long as that pays on held-out points.
4. Where that does not resolve the residual and there is a time to march in, windows short enough that their kernel
   does resolve it are solved one after the other (`marching`).
5. Where nothing of this resolves the residual, a deep network is trained on all parameters as well, and what leaves
   less of the held-out residual is kept (`fit`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from ._types import TIME_NAMES, Params
from .ansatz import Ansatz
from .bandwidth import BETTER, Bandwidth, Choice, choose_bandwidth
from .feature_solver import Attempt, FeatureSolver, Mover, feature_model, residual_bandwidth, stay
from .journal import Journal
from .marching import Marching, find_marching, fit_start, piecewise
from .model import FunctionalModel
from .residuals import Batch

Values = Callable[[Any], Any]
"""From a point to the values a window starts from."""

RESOLVED = 1e-9
"""Share of the held-out loss that may be left: residuals a thirty-thousandth of what they were."""

EXHAUSTED = 1e-20
"""Share of the held-out loss below which nothing is to be gained in double precision."""

PLENTY = 1e-15
"""Share of the held-out loss at which a wider network is no longer worth its time."""

SETTLED = 1e-6
"""Share of the held-out loss below which a trial has found the bandwidth, for wider networks too."""

WORTHWHILE = 0.1
"""A larger network must leave less than this share of what the smaller one left."""

HOPELESS = 0.5
"""A trial that leaves more than this share of the loss says nothing about the bandwidth."""

LATE = 1e-3
"""Share of the held-out loss above which times are too long for one network, where they can be cut in windows."""

MARGIN = 1.25
"""Bandwidth over the highest frequency of the residual."""

UNKNOWNS = {1: (128, 512), 2: (500, 1500, 3000), 3: (800, 2000, 4000)}
"""Unknowns of the output layer to try, by dimension of the domain; the last entry serves all higher dimensions."""

WINDOW_UNKNOWNS = 1600
"""Unknowns of a time window."""

FIRST_WINDOWS = (4, 6)
"""Halvings of the whole time that a first window is tried with."""

UNRESOLVED = 1e-4
"""Share of the held-out loss above which a first window counts as not resolved."""

SLACK = 100.0
"""Later windows may leave so many times what the first one left."""

GOOD = 1e-2
"""Share of the tolerance above which a finer bandwidth is tried, for what one window leaves the next inherits."""

INHERITED = 3.0
"""A window may leave so many times what any before it left: errors in its start are not its own."""

LONGER = 10.0
"""A window that reaches what is enough, up to this factor, is followed by a longer one."""

FORESEEABLE = 0.1
"""Share of the whole time after which it can be told how long the rest will take."""

SHORTEST, MOST_WINDOWS = 1 / 512, 200

LADDER = tuple(1.5 * 2**k for k in range(9))
PERIODIC_LADDER = tuple(math.pi * 2**k for k in range(9))
"""Bandwidths to try, in radians per half width of the domain."""

TRIAL_STEPS, FINAL_STEPS = 3, 15
"""Gauss-Newton steps of a trial and of a solve, for equations that are not linear."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What the procedure came to.

    - `solver`: the problem it was found for; `ansatz`: the conditions that hold by construction;
    - `model`, `params`: the network inside its ansatz;
    - `initial`, `final`, `batch`: parameters before and after of the solver's own model and its points, those of the
      worst window where there are several;
    - `left`: share of the held-out loss that is left, `loss` the loss itself; `weights`: of the loss;
    - `settings`: what builds the model again.
    """

    solver: FeatureSolver
    ansatz: Ansatz
    model: FunctionalModel
    params: Params
    initial: Params
    final: Params
    batch: Batch
    left: float
    loss: float
    weights: dict[str, float]
    settings: dict[str, Any]


class _Window(NamedTuple):
    span: tuple[float, float]
    start: Params
    attempt: Attempt


class Automatic:
    """Steps 2 to 4 for one problem.

    - `first`: solves it with the narrowest network.
    """

    def __init__(self, ansatz: Ansatz, seed: int, journal: Journal):
        self._ansatz, self._seed, self._journal = ansatz, seed, journal
        self._problem = ansatz.problem
        self._outputs = sum(self._problem.field_sizes.values())
        self._widths = [
            max(n // self._outputs, 1) for n in UNKNOWNS[min(self._problem.domain.dimension, max(UNKNOWNS))]
        ]
        self.first = self._solver(self._widths[0])
        self._longest = 0.0  # seconds of a solve

    def run(self) -> Found:
        """The best network of sines, in windows where those are needed."""
        marching = find_marching(self._ansatz)
        first = self._kept(self.first, self._widths[0], self._choose(self.first, _trial(self.first)).bandwidth)
        if marching is not None and first.left > LATE and not self._is_over(first.loss):
            self._journal.decide(f"time windows: a network for all times leaves {_share(first.left)} of the loss")
            windowed = self._march(marching)
            if windowed is not None and windowed.left < first.left:
                return windowed
        whole = self._widened(first, self._widths[1:])
        if whole.left <= RESOLVED or marching is None or first.left > LATE or self._is_over(whole.loss):
            return whole
        self._journal.decide(f"time windows: one network for all times leaves {_share(whole.left)} of the loss")
        windowed = self._march(marching)
        return whole if windowed is None or windowed.left > whole.left else windowed

    def _is_over(self, held_out_loss: float) -> bool:
        limits = self._journal.limits
        reached = limits.target is not None and held_out_loss <= limits.target
        return reached or limits.is_over or self._journal.stopped or self._journal.steps_left <= 0

    # One network for all times.

    def _solver(self, width: int) -> FeatureSolver:
        make = lambda bandwidth: feature_model(self._ansatz, width, bandwidth, self._seed)
        return FeatureSolver(self._ansatz.remaining, make, self._seed)

    def _widened(self, best: Found, widths: Sequence[int]) -> Found:
        """Wider networks as long as they pay."""
        for width in widths:
            if best.left <= PLENTY or self._is_over(best.loss):
                break
            if self._journal.limits.seconds_left < (width / best.settings["width"]) ** 2 * self._longest:
                self._journal.decide(f"width {width} is not tried: it would take longer than the time left")
                break
            solver, bandwidth = self._solver(width), tuple(best.settings["bandwidth"])
            if best.left > SETTLED:
                bandwidth = self._choose(solver, _trial(solver), start=bandwidth).bandwidth
            wider = self._kept(solver, width, bandwidth)
            self._journal.decide(
                f"width {width}: {_share(wider.left)} of the held-out loss is left, {_share(best.left)} before"
            )
            hopeless = best.left > HOPELESS
            pays = wider.left < WORTHWHILE * best.left
            best = min(best, wider, key=lambda found: found.left)
            if not pays and not hopeless:
                break
        return best

    def _kept(self, solver: FeatureSolver, width: int, bandwidth: Bandwidth) -> Found:
        """A network of this width and bandwidth, solved for good."""
        start = solver.params(bandwidth)
        attempt = self._solved(solver, start)
        return Found(
            solver=solver,
            ansatz=self._ansatz,
            model=solver.model,
            params=attempt.params,
            initial=start,
            final=attempt.params,
            batch=solver.batch,
            left=attempt.left,
            loss=attempt.after,
            weights=attempt.weights,
            settings={"network": "SineFeatures", "width": width, "bandwidth": list(bandwidth)},
        )

    def _solved(self, solver: FeatureSolver, params: Params, moved: Mover = stay, enough: float = EXHAUSTED) -> Attempt:
        """A solve whose steps are part of the run."""
        self._journal.phase("output-layer")
        most = int(min(FINAL_STEPS, self._journal.steps_left))
        began = self._journal.limits.seconds()
        attempt = solver.solve(params, most, moved, enough, lambda: self._journal.limits.is_over)
        self._longest = max(self._longest, self._journal.limits.seconds() - began)
        self._journal.add(attempt.steps, attempt.after)
        return attempt

    def _choose(
        self,
        solver: FeatureSolver,
        trial: Callable[[Bandwidth], float],
        start: Bandwidth | None = None,
        moved: Mover = stay,
    ) -> Choice:
        """The bandwidth, searched along each coordinate from `start` or from how the residual varies."""
        coordinates, periods = self._problem.domain.coordinates, self._ansatz.periods
        over = lambda: self._journal.limits.is_over or self._journal.steps_left <= 0
        if start is None:
            seen = residual_bandwidth(solver, solver.params(), moved)
            start = tuple(
                _rounded(max(MARGIN * s, LADDER[0]), name in periods) for name, s in zip(coordinates, seen, strict=True)
            )
        ladders = [
            sorted({*(PERIODIC_LADDER if name in periods else LADDER), s})
            for name, s in zip(coordinates, start, strict=True)
        ]
        choice = choose_bandwidth(trial, ladders, start=start, enough=PLENTY, is_over=over)
        if choice.left > HOPELESS and len(coordinates) > 1 and moved is stay and not over():
            choice = min(choice, choose_bandwidth(trial, ladders, enough=PLENTY, is_over=over), key=lambda c: c.left)
        described = ", ".join(f"{s:.3g} in {name}" for name, s in zip(coordinates, choice.bandwidth, strict=True))
        others = sorted(left for bandwidth, left in choice.trials.items() if bandwidth != choice.bandwidth)
        next_best = f", the next best of {len(choice.trials)} {_share(others[0])}" if others else ""
        self._journal.decide(
            f"bandwidth {described} for {solver.layer.size} unknowns: a trial solve leaves {_share(choice.left)} "
            f"of the held-out loss{next_best}"
        )
        return choice

    # Windows in time.

    def _march(self, marching: Marching) -> Found | None:
        """Windows from the first time to the last; None where even short ones are not resolved in time."""
        width = max(WINDOW_UNKNOWNS // self._outputs, 1)
        start_width = width
        make = lambda bandwidth: marching.model(width, start_width, bandwidth, self._seed)
        solver = FeatureSolver(marching.problem, make, self._seed)
        first, last = (float(bound[marching.axis]) for bound in (marching.domain.lower, marching.domain.upper))

        def placed(bandwidth: Bandwidth, values: Values, window: tuple[float, float]) -> tuple[Params, float]:
            start, error = fit_start(marching, marching.start_model(start_width, bandwidth, self._seed), values)
            params = solver.params(bandwidth)
            network = {**params["network"], "start": start, "window": jnp.array(window)}
            return {**params, "network": network}, error

        def left(bandwidth: Bandwidth, window: tuple[float, float]) -> float:
            params, error = placed(bandwidth, marching.declared, window)
            attempt = solver.solve(params, TRIAL_STEPS, lambda batch: marching.move(batch, window))
            return attempt.left + error**2

        length, choice = last - first, None
        for halvings in FIRST_WINDOWS:
            length = (last - first) / 2**halvings
            window = first, first + length
            begun = None if choice is None else choice.bandwidth
            moved = functools.partial(marching.move, window=window)
            choice = self._choose(solver, functools.partial(left, window=window), begun, moved)
            self._journal.decide(f"a first window of {length:.3g} leaves {_share(choice.left)} of the held-out loss")
            if choice.left <= RESOLVED or self._journal.limits.is_over:
                break
        if choice is None or choice.left > UNRESOLVED:
            return None
        return self._windows(marching, solver, placed, choice, length, (first, last), (width, start_width))

    def _windows(
        self,
        marching: Marching,
        solver: FeatureSolver,
        placed: Callable[[Bandwidth, Values, tuple[float, float]], tuple[Params, float]],
        choice: Choice,
        length: float,
        span: tuple[float, float],
        widths: tuple[int, int],
    ) -> Found | None:
        """All windows, their length and bandwidth led by what the last one left."""
        self._journal.phase("time windows")
        tolerance = max(RESOLVED, SLACK * choice.left)
        enough = tolerance / SLACK**2
        bandwidth, values = choice.bandwidth, marching.declared
        edges, found, began = [span[0]], list[_Window](), self._journal.limits.seconds()
        while edges[-1] < span[1]:
            done = (edges[-1] - span[0]) / (span[1] - span[0])
            needed = (self._journal.limits.seconds() - began) * (1 - done) / done if done else 0.0
            hopeless = done > FORESEEABLE and needed > self._journal.limits.seconds_left
            if self._is_over(math.inf) or hopeless or len(found) >= MOST_WINDOWS:
                self._journal.decide(
                    f"time windows given up at {edges[-1]:.3g} after {len(found)}; the rest would take {needed:.0f} s"
                )
                return None
            rest = span[1] - edges[-1]
            length = rest / math.ceil(rest / length - 1e-9)
            window = edges[-1], span[1] if length == rest else edges[-1] + length
            params, _ = placed(bandwidth, values, window)
            moved = functools.partial(marching.move, window=window)
            attempt = self._solved(solver, params, moved, enough)
            if attempt.left > GOOD * tolerance and (finer := self._finer(bandwidth)) is not None:
                params, _ = placed(finer, values, window)
                again = self._solved(solver, params, moved, enough)
                if again.left < BETTER * attempt.left:
                    bandwidth, attempt = finer, again
            inherited = INHERITED * max((one.attempt.left for one in found), default=0.0)
            if attempt.left > max(tolerance, inherited) and length > SHORTEST * (span[1] - span[0]):
                length /= 2
                continue
            edges.append(window[1])
            found.append(_Window(window, params, attempt))
            values = marching.at_end(solver.model, attempt.params["network"])
            if attempt.left < LONGER * enough:
                length *= 1.5
        worst = max(found, key=lambda one: one.attempt.left)
        self._journal.decide(
            f"{len(found)} time windows; the worst leaves {_share(worst.attempt.left)} of its held-out loss"
        )
        model = piecewise(solver.model, marching.axis, edges, [one.attempt.params["network"] for one in found])
        return Found(
            solver=solver,
            ansatz=marching.ansatz,
            model=model,
            params={**found[-1].attempt.params, "network": model.params},
            initial=worst.start,
            final=worst.attempt.params,
            batch=marching.move(solver.batch, worst.span),
            left=worst.attempt.left,
            loss=worst.attempt.after,
            weights=worst.attempt.weights,
            settings={
                "network": "SineFeatures",
                "width": widths[0],
                "bandwidth": list(bandwidth),
                "start_width": widths[1],
                "windows": edges,
            },
        )

    def _finer(self, bandwidth: Bandwidth) -> Bandwidth | None:
        """Half as much again in space; None at the end of the ladder."""
        box = self._problem.domain
        finer = tuple(
            s if name in TIME_NAMES else _rounded(1.5 * s, name in self._ansatz.periods)
            for name, s in zip(box.coordinates, bandwidth, strict=True)
        )
        return finer if max(finer) <= 4 * LADDER[-1] else None


def model_from(ansatz: Ansatz, settings: Mapping[str, Any], seed: int) -> FunctionalModel:
    """The model of these settings, at its first parameters.

    **Raises:** `ValueError` if the problem cannot have been solved so.
    """
    bandwidth = tuple(float(s) for s in settings["bandwidth"])
    if "windows" not in settings:
        return feature_model(ansatz, settings["width"], bandwidth, seed)
    marching = find_marching(ansatz)
    if marching is None:
        raise ValueError(f"problem '{ansatz.problem.name}' cannot be solved in time windows, as the settings say")
    model = marching.model(settings["width"], settings["start_width"], bandwidth, seed)
    edges = settings["windows"]
    return piecewise(model, marching.axis, edges, (len(edges) - 1) * [model.params])


def _trial(solver: FeatureSolver) -> Callable[[Bandwidth], float]:
    return lambda bandwidth: solver.solve(solver.params(bandwidth), TRIAL_STEPS).left


def _rounded(s: float, periodic: bool) -> float:
    """A bandwidth; of a periodic coordinate a whole multiple of the base frequency."""
    return math.pi * math.ceil(s / math.pi) if periodic else s


def _share(left: float) -> str:
    return f"{left:.1e}"
