r"""The decision procedure of strategy "auto": from sizes, linearity and the kernel to a plan, every decision recorded.

1. Conditions that what is declared allows to satisfy by construction are (`ansatz`).
2. One layer of sines is tried on few features with several bandwidths along each coordinate; the one whose kernel
   leaves least of the validation residual is taken (`bandwidth`).
3. Where there is a time to march in, the equation is not linear and these trials leave too much, or one network for all
   times does not resolve the residual, windows in time are solved one after the other (`windows`).
4. Else the output layer is solved: at once where the residual is affine in it, by Gauss-Newton steps otherwise
   (`output_layer`). The width grows as long as that pays on validation points.
5. Where nothing of this resolves the residual, a deep network is trained on all parameters as well, and what leaves
   less of the validation residual is kept (`fit`).
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._base.errors import InputError
from .._base.types import Params
from ..diagnostics.diagnostician import record_seconds
from ..diagnostics.nonfinite import find_fault
from ..equations.exact.ansatz import Ansatz
from ..equations.mistakes import ProblemError
from ..networks.functional import FunctionalModel, parameter_count
from ..residuals.functions import Batch
from ..runs.recorder import Recorder
from .choices import Choices
from .random_features.bandwidth import Bandwidth, Choice, choose_bandwidth
from .random_features.solver import FINAL_STEPS, TRIAL_STEPS, Attempt, FeatureSolver, feature_model, residual_bandwidth
from .time_marching.marching import Marching, find_marching, piecewise
from .time_marching.windows import PATIENCE, Windows, edges, joined, width_of
from .time_marching.windows import UNKNOWNS as WINDOW_UNKNOWNS

OUTPUT_LAYER = "output-layer"
"""The phase in which output layers are solved for."""

RESOLVED = 1e-9
"""Share of the validation loss that may be left: residuals a thirty-thousandth of what they were."""

UNNEEDED, UNNEEDED_WINDOWS = 1e-7, 3e-5
"""Relative validation loss below which no deep network is tried after sines, for all times at once or in windows."""

EXHAUSTED = 1e-20
"""Share of the validation loss below which nothing is to be gained in double precision."""

PLENTY = 1e-15
"""Share of the validation loss at which a wider network is no longer worth its time."""

SETTLED = 1e-6
"""Share of the validation loss below which a trial has found the bandwidth, for wider networks too."""

WORTHWHILE = 0.1
"""A larger network must leave less than this share of what the smaller one left."""

HOPELESS = 0.5
"""A trial that leaves more than this share of the loss says nothing about the bandwidth."""

TRIALS, ALL_TRIALS = 4, 12
"""Of bandwidths for a wider network, as foreseen: where the last said something about the bandwidth, and where not."""

WINDOW_WIDTHS, FEWEST_WINDOWS, ON_A_LINE = 3, 8, 800
"""Widths of windows to reckon with, their number, and their unknowns with one coordinate in space; with more, windows
take the most that there are."""

GROWTH = 2.5
"""Exponent of the width in the time of a solve: unknowns and points grow together, and 500 of them are few."""

LATE = 1e-3
"""Share of the validation loss above which times are too long for one network, where they can be cut in windows."""

CLOSE, SINES = 1e-4, (0.7, 0.3)
"""Share of the time left for a wider network of sines where the last did not resolve the residual, if it left less than
this share of the loss, and if more: what is smooth comes down by orders with the width, fronts and peaks do not."""

THE_END, END = "the end", 6.0
"""What comes after the last solve (validation, kernel snapshots, dense checks) takes so many times as long to compile
as the first trial."""

DEEP = 14.0
"""The same for the training of a deep network."""

MARGIN = 1.25
"""Bandwidth over the highest frequency of the residual."""

UNKNOWNS = {1: (128, 512, 2048), 2: (500, 1500, 3000), 3: (800, 2000, 4000)}
"""Unknowns of the output layer to try, by dimension of the domain; the last entry serves all higher dimensions."""

LADDER = tuple(1.5 * 2**k for k in range(11))

PERIODIC_LADDER = tuple(math.pi * 2**k for k in range(10))
"""Bandwidths to try, in radians per half width of the domain."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What the procedure came to.

    - `solver`: the problem it was found for; `ansatz`: the conditions that hold by construction;
    - `model`, `params`: the network inside its ansatz;
    - `initial`, `final`, `batch`: parameters before and after of the solver's own model and its points, those of the
      worst window where there are several;
    - `left`: share of the validation loss that is left, `loss` the loss itself; `weights`: of the loss;
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

    @property
    def is_resolved(self) -> bool:
        """Whether there is no need for a deep network."""
        return self.left <= (UNNEEDED_WINDOWS if "windows" in self.settings else UNNEEDED)


class Automatic:
    """Steps 2 to 4 for one problem.

    - `first`: solves it with the narrowest network.
    """

    def __init__(self, ansatz: Ansatz, seed: int, recorder: Recorder, choices: Choices):
        self._ansatz, self._seed, self._recorder, self._choices = ansatz, seed, recorder, choices
        self._problem = ansatz.problem
        self._outputs = sum(self._problem.field_sizes.values())
        self._widths = [
            max(n // self._outputs, 1) for n in UNKNOWNS[min(self._problem.domain.dimension, max(UNKNOWNS))]
        ]
        self.first = self._solver(self._widths[0])
        self._trials = dict[tuple[int, Bandwidth], Attempt]()  # by number of unknowns and bandwidth
        self._took = dict[int, list[float]]()  # seconds of the trials, by number of unknowns
        self._solve_seconds = 0.0  # of the last width

    def run(self) -> Found:
        """The best network of sines, in windows where those are needed."""
        self._recorder.announce((OUTPUT_LAYER,), parameter_count(self.first.params()), self.first.counts)
        marching = find_marching(self._ansatz) if self._choices.time_windows else None
        start = None
        if marching is not None and not self.first.layer.is_linear:
            look = self._choose(self.first, each=False)
            start = look.bandwidth
            if look.left > SETTLED:
                why = f"the equation is not linear and a trial for all times leaves {_share(look.left)}"
                if (windowed := self._march(marching, why)) is not None:
                    return windowed
                marching = start = None
        first = self._kept(self.first, self._widths[0], self._choose(self.first, start).bandwidth)
        late = marching is not None and first.left > LATE
        whole = first if late else self._widened(first, self._widths[1:])
        if marching is None or whole.left <= RESOLVED or self._is_over(whole.loss):
            return whole
        why = f"one network for all times leaves {_share(whole.left)} of the loss"
        if (windowed := self._march(marching, why)) is not None and windowed.left < whole.left:
            return windowed
        return self._widened(whole, self._widths[1:]) if late else whole

    def _has_time_for_windows(self) -> bool:
        """Windows take networks of several widths, each of which is compiled, and several solves."""
        compiling, left = WINDOW_WIDTHS * self._compile_seconds, self._recorder.limits.seconds_left
        unknowns = ON_A_LINE if self._problem.domain.dimension <= 2 else max(WINDOW_UNKNOWNS)
        growth = max(unknowns / self.first.layer.size, 1.0) ** GROWTH
        needed = compiling + FEWEST_WINDOWS * growth * self._trial_seconds
        has_time = compiling <= PATIENCE * left and needed <= left
        if not has_time:
            self._recorder.skip("time windows", max(needed, compiling / PATIENCE), left)
        return has_time

    def _is_over(self, validation_loss: float) -> bool:
        target = self._recorder.limits.target
        return self._recorder.is_over or (target is not None and validation_loss <= target)

    # One network for all times.

    def _solver(self, width: int) -> FeatureSolver:
        make = lambda bandwidth: feature_model(self._ansatz, width, bandwidth, self._seed)
        return FeatureSolver(self._ansatz.remaining, make, self._seed)

    def _widened(self, best: Found, widths: Sequence[int]) -> Found:
        """Wider networks as long as they pay."""
        for width in widths:
            if best.left <= PLENTY or self._is_over(best.loss):
                break
            if (needed := self._foreseen(best, width)) > (left := self._time_for(best)):
                self._recorder.skip(f"width {width}", needed, left)
                break
            solver, bandwidth = self._solver(width), tuple(best.settings["bandwidth"])
            if best.left > HOPELESS:
                bandwidth = self._choose(solver).bandwidth
            elif best.left > SETTLED:
                bandwidth = self._choose(solver, bandwidth, each=False).bandwidth
            try:
                wider = self._kept(solver, width, bandwidth)
            except ProblemError as error:
                self._recorder.decide(f"width {width} is not taken: {error}")
                break
            self._recorder.decide(
                f"width {width}: {_share(wider.left)} of the validation loss is left, {_share(best.left)} before"
            )
            pays = wider.left < WORTHWHILE * best.left or wider.left <= HOPELESS < best.left
            best = min(best, wider, key=lambda found: found.left)
            if not pays:
                break
        return best

    def _foreseen(self, best: Found, width: int) -> float:
        """Seconds that a wider network will take; to look at it in the end takes compilation as well."""
        trials = 0 if best.left <= SETTLED else TRIALS if best.left <= HOPELESS else ALL_TRIALS
        solves = (width / best.settings["width"]) ** GROWTH * (trials * self._trial_seconds + self._solve_seconds)
        return 2 * self._compile_seconds + solves

    def _time_for(self, best: Found) -> float:
        """Seconds that may be spent on sines: where they are far from the residual, most is left for a deep network, if
        that is enough for one.
        """
        left = self._recorder.limits.seconds_left
        share = 1.0 if best.is_resolved else SINES[0] if best.left < CLOSE else SINES[1]
        return share * left if (1 - share) * left >= DEEP * self.compilation else left

    def _kept(self, solver: FeatureSolver, width: int, bandwidth: Bandwidth) -> Found:
        """A network of this width and bandwidth, solved for good."""
        start = solver.params(bandwidth)
        attempt = self._solved(solver, bandwidth, start, self._trials.get((solver.layer.size, bandwidth)))
        if not math.isfinite(attempt.left):
            fault = find_fault(solver.residuals, attempt.params, solver.validation_losses) or "validation loss"
            raise ProblemError(f"not finite after {self._recorder.step} steps on the output layer: {fault}")
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

    def _solved(self, solver: FeatureSolver, bandwidth: Bandwidth, params: Params, trial: Attempt | None) -> Attempt:
        """A solve whose steps are part of the run, from where a trial of this bandwidth ended."""
        self._recorder.announce((OUTPUT_LAYER,), parameter_count(params), solver.counts)
        self._recorder.phase(OUTPUT_LAYER)
        most = int(min(FINAL_STEPS, self._recorder.steps_left))
        began = self._recorder.limits.seconds()
        weights = lambda: self.first.weights
        attempt = self._recalled(
            f"solve {solver.layer.size} {tuple(map(float, bandwidth))}",
            lambda: solver.solve(params, most, enough=EXHAUSTED, is_over=self._lacks, weights=weights, trial=trial),
            params,
        )
        if attempt.lacked:
            self._recorder.skip("further Gauss-Newton steps", attempt.lacked, self._recorder.limits.seconds_left)
        self._solve_seconds = self._recorder.limits.seconds() - began + (self._trial_seconds if trial else 0.0)
        self._recorder.add(attempt.steps, attempt.after)
        return attempt

    def _choose(self, solver: FeatureSolver, start: Bandwidth | None = None, *, each: bool = True) -> Choice:
        """The bandwidth, searched from `start` or from how the residual varies, in common and then along `each`."""
        coordinates, periods = self._problem.domain.coordinates, self._ansatz.periods
        if (given := self._choices.bandwidth) is not None:
            bandwidth = tuple(_rounded(given, name in periods) for name in coordinates)
            self._recorder.decide(f"bandwidth {given:.3g}, as given")
            return Choice(bandwidth, self._tried(solver, bandwidth), {})
        trial = functools.partial(self._tried, solver)
        over = lambda: self._recorder.is_over or self._recorder.limits.seconds_left < self._trial_seconds
        if start is None:
            seen = residual_bandwidth(solver, solver.params())
            start = tuple(
                _rounded(max(MARGIN * s, LADDER[0]), name in periods) for name, s in zip(coordinates, seen, strict=True)
            )
        ladders = [
            sorted({*(PERIODIC_LADDER if name in periods else LADDER), s})
            for name, s in zip(coordinates, start, strict=True)
        ]
        choice = choose_bandwidth(trial, ladders, start=start, each=each, enough=PLENTY, is_over=over)
        if choice.left > HOPELESS and each and not over():
            choice = min(choice, choose_bandwidth(trial, ladders, enough=PLENTY, is_over=over), key=lambda c: c.left)
        described = ", ".join(f"{s:.3g} in {name}" for name, s in zip(coordinates, choice.bandwidth, strict=True))
        if over() and not self._recorder.stopped:
            self._recorder.skip("further bandwidths", self._trial_seconds, self._recorder.limits.seconds_left)
        others = sorted(left for bandwidth, left in choice.trials.items() if bandwidth != choice.bandwidth)
        next_best = f", the next best of {len(choice.trials)} {_share(others[0])}" if others else ""
        self._recorder.decide(
            f"bandwidth {described} for {solver.layer.size} unknowns: a trial solve leaves {_share(choice.left)} "
            f"of the validation loss{next_best}"
        )
        return choice

    def _tried(self, solver: FeatureSolver, bandwidth: Bandwidth) -> float:
        """Share of the validation loss that a trial solve leaves."""
        key = solver.layer.size, bandwidth
        if key not in self._trials:
            began, most = self._recorder.limits.seconds(), int(min(TRIAL_STEPS, self._recorder.steps_left))
            start, weights = solver.params(bandwidth), lambda: self.first.weights
            self._trials[key] = self._recalled(
                f"trial {solver.layer.size} {tuple(map(float, bandwidth))}",
                lambda: solver.solve(start, most, is_over=self._lacks, weights=weights),
                start,
            )
            if len(self._trials) == 1:
                self._recorder.limits.keep(THE_END, END * self.compilation + self._look_seconds())
            self._took.setdefault(key[0], []).append(self._recorder.limits.seconds() - began)
        return self._trials[key].left

    def _recalled(self, name: str, solve: Callable[[], Attempt], params: Params) -> Attempt:
        """A solve that starts from `params`, done now or before the run was interrupted."""
        return self._recorder.recall(name, solve, Attempt.packed, lambda arrays: Attempt.unpacked(arrays, params))

    def _lacks(self, seconds: float) -> bool:
        """Whether there is no time for a step of so many seconds, or somebody has ended the run."""
        return self._recorder.stopped or self._recorder.limits.seconds_left <= seconds

    def _look_seconds(self) -> float:
        """Of the two kernel snapshots at the end, on this machine."""
        if self._recorder.limits.budget is None:
            return 0.0
        work = lambda: 2 * record_seconds(self._problem.domain.dimension)
        return self._recorder.recall("look", work, lambda s: {"seconds": np.array(s)}, lambda a: float(a["seconds"]))

    @property
    def compilation(self) -> float:
        """Seconds that the first trial took to compile."""
        return next((trial.compiled for trial in self._trials.values()), 0.0)

    @property
    def _compile_seconds(self) -> float:
        """Of a network: a first trial less the next; all of it where there was no next."""
        known = [took[0] - min(took[1:]) for took in self._took.values() if len(took) > 1]
        return max(known or [took[0] for took in self._took.values()], default=0.0)

    @property
    def _trial_seconds(self) -> float:
        """Of a trial of the last width."""
        first, *others = list(self._took.values())[-1] if self._took else [0.0]
        return min(others, default=max(first - self._compile_seconds, 0.0))

    def _march(self, marching: Marching, why: str) -> Found | None:
        """Windows from the first time to the last; None where even short ones are not resolved in time."""
        if not self._has_time_for_windows():
            return None
        self._recorder.decide(f"time windows: {why}")
        windows = Windows(marching, self._seed, self._recorder).run()
        if windows is None:
            return None
        worst = max(windows, key=lambda window: window.left)
        model, solver = joined(marching, windows), worst.solver
        return Found(
            solver=solver,
            ansatz=marching.ansatz,
            model=model,
            params={**worst.attempt.params, "network": model.params},
            initial=worst.initial,
            final=worst.attempt.params,
            batch=marching.move(solver.batch, worst.span, worst.start.stretching),
            left=worst.left,
            loss=worst.attempt.after,
            weights=worst.attempt.weights,
            settings={"network": "SineFeatures", "width": width_of(windows), "windows": edges(windows)},
        )


def model_from(ansatz: Ansatz, settings: Mapping[str, Any], seed: int) -> FunctionalModel:
    """The model of these settings, at its first parameters.

    **Raises:** `ValueError` if the problem cannot have been solved so.
    """
    if "windows" not in settings:
        return feature_model(ansatz, settings["width"], [float(s) for s in settings["bandwidth"]], seed)
    marching = find_marching(ansatz)
    if marching is None:
        raise InputError(f"problem '{ansatz.problem.name}' cannot be solved in time windows, as the settings say")
    model = marching.model(settings["width"], ansatz.problem.domain.dimension * (1.0,), seed)
    times = settings["windows"]
    return piecewise(model, marching.axis, times, (len(times) - 1) * [model.params])


def _rounded(s: float, periodic: bool) -> float:
    """A bandwidth; of a periodic coordinate a whole multiple of the base frequency."""
    return math.pi * math.ceil(s / math.pi) if periodic else s


def _share(left: float) -> str:
    return f"{left:.1e}"
