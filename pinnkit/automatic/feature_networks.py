"""Trials and solves with networks of random features for one problem."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from .._base.padding import padded
from .._base.types import Params
from ..diagnostics.diagnostician import record_seconds
from ..diagnostics.nonfinite import find_fault
from ..equations.exact.ansatz import Ansatz
from ..equations.mistakes import ProblemError
from ..geometry.points import Points
from ..networks.functional import FunctionalModel, parameter_count
from ..networks.stretching import Bump
from ..residuals.functions import Batch
from ..runs.decisions import ChosenBandwidth, ChosenInteractions, GivenBandwidth, WeighedData, WeighedPrior
from ..runs.recorder import Recorder
from .cost_model import CostModel
from .feature_solution import FeatureSolution
from .length_scales import Values
from .random_features.bandwidth import Bandwidth, Choice, choose_bandwidth
from .random_features.ladders import Ladders, rounded
from .random_features.solver import NOISY_STEPS, FeatureSolver, Solve, feature_model, residual_bandwidth
from .thresholds import Thresholds
from .warm_start import WarmStart

OUTPUT_LAYER = "output-layer"
"""The phase of linear and Gauss-Newton solves for the output layer."""

TRIAL_NOISY_STEPS = 5
"""Most steps of a trial with data weighted by their noise."""

CONCLUSION = "the conclusion"
"""What the time after the last solve is kept for: validation, kernel snapshots, dense checks."""

DEFAULT_LADDERS = Ladders()

MANY, FEW_INTERACTIONS = 4, (1, 2)
"""Dimension from which on sines that depend on few coordinates are tried, and how many coordinates."""


Key: TypeAlias = tuple[Any, ...]
"""Unknowns, bandwidth, interactions and number of edges of a network, whether it is found by continuation, and the
bumps of its stretched coordinates.
"""


def better(one: FeatureSolution | None, other: FeatureSolution) -> FeatureSolution:
    """The solution of smaller relative loss; the first may be missing."""
    return one if one is not None and one.relative_loss <= other.relative_loss else other


def bumps_of(settings: Mapping[str, Any]) -> tuple[Bump, ...] | None:
    """The bumps of stretched coordinates with these settings."""
    if "bumps" not in settings:
        return None
    return tuple(Bump(int(axis), float(center), float(width)) for axis, center, width in settings["bumps"])


def settled(ansatz: Ansatz, settings: Mapping[str, Any]) -> Ansatz:
    """The ansatz of a network with these settings."""
    sharp = ansatz.with_edges if settings.get("edges") else None
    return ansatz if sharp is None else sharp


class FeatureNetworks:
    """Chooses bandwidths by trials, and solves; every piece of work is timed and can be recalled after an interruption.

    - `width`: of the narrowest network, `narrowest` its solver; `bandwidth`: None to search for it;
    - `is_sharp`: whether half of the sines are those of coordinates around the corners of the domain;
    - `continues`: whether the narrowest one is found by continuation;
    - `losses`: relative validation losses by number of unknowns, of the last trial or solve with each; `best`: the best
      solution so far, None before the first;
    - `warm`: a solution to start from, whose width and bandwidth are those of the narrowest network;
    - `bumps`: of stretched coordinates, in which points are even then; None for coordinates as they are.
    """

    def __init__(
        self,
        ansatz: Ansatz,
        seed: int,
        recorder: Recorder,
        cost: CostModel,
        *,
        width: int,
        bandwidth: float | None = None,
        ladders: Ladders = DEFAULT_LADDERS,
        warm: WarmStart | None = None,
        is_sharp: bool = False,
        bumps: tuple[Bump, ...] | None = None,
    ):
        self._ansatz, self._seed, self._recorder, self._cost, self.bumps = ansatz, seed, recorder, cost, bumps
        self._given, self._ladders = bandwidth, ladders
        self._coordinates = ansatz.problem.domain.coordinates
        self._periodic = [name in ansatz.periods for name in self._coordinates]
        self._trials = dict[Key, Solve]()
        self._warm = warm
        self._interactions: int | None = None if warm is None else warm.described.get("interactions")
        self.is_sharp, self.continues, self.losses, self.best = is_sharp, False, dict[int, float](), None
        self.width, self.narrowest = width, self.solver(width)
        # a stretched network would outweigh everything else in the equation
        self._weigher = FeatureSolver(ansatz.remaining, self._plain, seed) if bumps else self.narrowest
        self._concluding = 0.0

    def stretched(self) -> "FeatureNetworks":
        """The same networks in stretched coordinates."""
        found = FeatureNetworks(
            self._ansatz,
            self._seed,
            self._recorder,
            self._cost,
            width=self.width,
            bandwidth=self._given,
            ladders=self._ladders,
            bumps=(),
        )
        found._weigher = self._weigher
        return found

    @property
    def _thresholds(self) -> Thresholds:
        return self._cost.thresholds

    @property
    def has_edges(self) -> bool:
        """Whether half of the sines are those of coordinates around edges."""
        return bool(self._ansatz.edges)

    @property
    def dimension(self) -> int:
        return len(self._coordinates)

    @property
    def interactions(self) -> int:
        """How many coordinates each sine depends on."""
        return self._interactions or self.dimension

    def _plain(self, bandwidth: Bandwidth) -> FunctionalModel:
        """The narrowest network in coordinates as they are."""
        return feature_model(self._ansatz, self.width, bandwidth, self._seed, self._interactions)

    def solver(self, width: int) -> FeatureSolver:
        """A solver with networks of this width for all times."""
        make = lambda bandwidth: feature_model(
            self._ansatz, width, bandwidth, self._seed, self._interactions, self.bumps
        )
        return FeatureSolver(self._ansatz.remaining, make, self._seed)

    def solve(self, solver: FeatureSolver, width: int, bandwidth: Bandwidth) -> FeatureSolution:
        """The network of this width and bandwidth, solved as accurately as possible, from where its trial ended.

        **Raises:** `ProblemError` if its validation loss is not finite.
        """
        zero, trial = solver.params(bandwidth), self._trials.get(self._key(solver, bandwidth))
        start = self._start(zero, solver, bandwidth)
        recorder, most = self._recorder, int(min(solver.final_steps, self._recorder.steps_left))
        recorder.announce((OUTPUT_LAYER,), parameter_count(start), solver.counts)
        recorder.phase(OUTPUT_LAYER)
        began, enough = recorder.limits.seconds(), self._thresholds.exhausted
        exact = lambda: solver.solve(
            start if trial else self._near(solver, start),
            most,
            enough=enough,
            moved=self._moved,
            is_over=recorder.lacks,
            weights=self._weights,
            trial=trial,
            origin=zero,
        )
        refined = lambda: (
            self._refined(solver, trial, zero, most + NOISY_STEPS)
            if trial is not None and trial.sigma
            else self._refined(solver, exact(), zero, NOISY_STEPS)
        )
        solve = self._recalled(f"solve {self._key(solver, bandwidth)}", refined, start)
        self._cost.add_solve(solver.layer.size, recorder.limits.seconds() - began, trial is not None)
        recorder.add(solve.steps, solve.final_loss, solve.missing_seconds)
        if not math.isfinite(solve.relative_loss):
            fault = find_fault(solver.residuals, solve.params, solver.validation_batch) or "validation loss"
            raise ProblemError(f"not finite after {recorder.step} steps on the output layer: {fault}")
        for name, sigma in solve.sigma.items():
            factor = solve.weights[name] / solve.steps[0].weights[name]
            recorder.decide(WeighedData(name, sigma, solver.problem.conditions[name].sigma is not None, factor))
        for name in solver.problem.priors if solve.sigma else ():
            recorder.decide(WeighedPrior(name, solve.weights[name]))
        found = FeatureSolution(
            solver=solver,
            ansatz=self._ansatz,
            model=solver.model,
            params=solve.params,
            initial=zero,
            final=solve.params,
            batch=self._moved(solver.batch),
            relative_loss=solve.relative_loss,
            loss=solve.final_loss,
            weights=solve.weights,
            settings={"network": "SineFeatures", "width": width, "bandwidth": list(bandwidth), **self._sets()},
            sufficient_loss=self._thresholds.sufficient,
            sigma=dict(solve.sigma),
        )
        self.losses[solver.layer.size] = min(found.relative_loss, self.losses.get(solver.layer.size, math.inf))
        self.best = better(self.best, found)
        return found

    def values(self, bandwidth: Bandwidth) -> Values:
        """The fields of the trial of the narrowest network, as a function of points."""
        params = self._trials[self._key(self.narrowest, bandwidth)].params["network"]
        return lambda x: padded(functools.partial(self._fields, params), x)

    @functools.cached_property
    def _fields(self) -> Callable[..., Any]:
        return jax.jit(jax.vmap(self.narrowest.model.apply, (None, 0)))

    def reserve(self) -> None:
        """Keep time for what follows the last solve of such a network."""
        self._recorder.limits.keep(CONCLUSION, self._concluding)

    def attempt(self, bandwidth: Bandwidth) -> float:
        """Relative validation loss of a trial of the narrowest network."""
        return self._trial(self.narrowest, bandwidth)

    def _refined(self, solver: FeatureSolver, solve: Solve, zero: Params, most: int) -> Solve:
        """A solve with data weighted by their noise, in the steps that are left."""
        left = int(min(most, self._recorder.steps_left - len(solve.steps)))
        return solver.refined(solve, left, self._recorder.lacks, zero)

    def choose(
        self, solver: FeatureSolver, start: Bandwidth | None = None, *, each: bool = True, ample: float = 0.0
    ) -> Choice:
        """The bandwidth, searched from `start` or from the residual's frequencies, in common and then along `each`.

        - `ample`: seconds that a search along each coordinate may take after one in common that has not settled it.
        """
        if self._warm is not None and solver is self.narrowest:
            return Choice(self._warm.bandwidth, self._trial(solver, self._warm.bandwidth), {})
        if self._given is not None:
            bandwidth = tuple(rounded(self._given, is_periodic) for is_periodic in self._periodic)
            self._recorder.decide(GivenBandwidth(self._given))
            return Choice(bandwidth, self._trial(solver, bandwidth), {})
        if start is None:
            start = self._ladders.start(residual_bandwidth(solver, solver.params()), self._periodic)
            self._choose_interactions(solver, start)
        each = each and self.dimension < MANY
        search = functools.partial(
            choose_bandwidth,
            functools.partial(self._trial, solver),
            self._ladders.through(start, self._periodic),
            enough=self._thresholds.solved,
            up_first=solver is not self.narrowest,  # a wider network resolves more
            is_over=self._is_over,
        )
        choice = search(start=start, each=each)
        is_settled = each or choice.relative_loss <= self._thresholds.settled
        if not is_settled and self.dimension < MANY and self._cost.full_search <= ample:
            choice = search(start=choice.bandwidth, sweeps=1)
        if choice.relative_loss > self._thresholds.hopeless and each and not self._is_over():
            choice = min(choice, search(), key=lambda choice: choice.relative_loss)
        if self._is_over() and not self._recorder.stopped:
            self._recorder.skip("further bandwidths", self._cost.trial_seconds, self._recorder.limits.seconds_left)
        others = [loss for bandwidth, loss in choice.trials.items() if bandwidth != choice.bandwidth]
        self._recorder.decide(
            ChosenBandwidth(
                bandwidth=dict(zip(self._coordinates, map(float, choice.bandwidth), strict=True)),
                unknowns=solver.layer.size,
                trials=len(choice.trials),
                relative_loss=choice.relative_loss,
                runner_up=min(others, default=None),
            )
        )
        return choice

    def _start(self, zero: Params, solver: FeatureSolver, bandwidth: Bandwidth) -> Params:
        """The parameters that a solve starts from: an output layer of zero, or the solution to start from."""
        is_warm = self._warm is not None and solver is self.narrowest and bandwidth == self._warm.bandwidth
        return self._warm.into(zero) if self._warm is not None and is_warm else zero

    def _near(self, solver: FeatureSolver, start: Params) -> Params:
        """Parameters near a solution, for nonlinear equations: from a narrower network that has one, or by
        continuation; else the same.
        """
        best = self.best
        if best is None or (solver is self.narrowest and self.bumps is None):
            return solver.continued(start, self._recorder.lacks, self.narrowest.weights) if self.continues else start
        is_near = best.relative_loss <= self._thresholds.failed and not solver.layer.is_linear
        is_whole = not self._ansatz.problem.field_domains.is_split
        return solver.fitted(start, best.solver.model, best.final, self._moved) if is_near and is_whole else start

    def _choose_interactions(self, solver: FeatureSolver, bandwidth: Bandwidth) -> None:
        """In many dimensions: how many coordinates each sine depends on, by a trial with each number."""
        dimension, losses = self.dimension, dict[int | None, float]()
        if dimension < MANY:
            return
        for number in (*FEW_INTERACTIONS, None):
            self._interactions = number
            losses[number] = self._trial(solver, bandwidth)
            if losses[number] <= self._thresholds.settled or self._is_over():
                break
        self._interactions = min(losses, key=losses.__getitem__)
        self._recorder.decide(
            ChosenInteractions(self._interactions or dimension, {k or dimension: loss for k, loss in losses.items()})
        )

    def _key(self, solver: FeatureSolver, bandwidth: Bandwidth) -> Key:
        edges, bumps = len(self._ansatz.edges), () if self.bumps is None else tuple(map(tuple, self.bumps))
        return solver.layer.size, tuple(map(float, bandwidth)), self._interactions, edges, self.continues, *bumps

    def _sets(self) -> dict[str, Any]:
        """Settings that few networks have: for sines of few coordinates, around corners or in stretched coordinates."""
        few = {} if self._interactions is None else {"interactions": self._interactions}
        sharp = {"edges": True} if self.is_sharp else {}
        return few | sharp | ({} if self.bumps is None else {"bumps": [list(bump) for bump in self.bumps]})

    def _moved(self, batch: Batch) -> Batch:
        """Points that are even in stretched coordinates."""
        if not self.bumps:
            return batch
        stretching, bounds = self._ansatz.stretching(self.bumps), self._ansatz.problem.domain.bounds
        placed = lambda points: jnp.asarray(stretching.placed(np.asarray(points.coordinates), bounds))
        return {name: Points(placed(points), points.normals, points.columns) for name, points in batch.items()}

    def _weights(self) -> dict[str, float]:
        """Those of the narrowest network, in coordinates that are not stretched."""
        return self._weigher.weights

    def _is_over(self) -> bool:
        """Whether no further trial can begin."""
        return self._recorder.is_over or self._recorder.limits.seconds_left < self._cost.trial_seconds

    def _trial(self, solver: FeatureSolver, bandwidth: Bandwidth) -> float:
        """Relative validation loss of a trial solve."""
        recorder, key = self._recorder, self._key(solver, bandwidth)
        if key not in self._trials:
            began, most = recorder.limits.seconds(), int(min(solver.trial_steps, recorder.steps_left))
            zero = solver.params(bandwidth)
            start = self._start(zero, solver, bandwidth)
            solve = lambda: solver.solve(
                self._near(solver, start),
                most,
                moved=self._moved,
                is_over=recorder.lacks,
                weights=self._weights,
                origin=zero,
            )
            # else noise would choose the first bandwidth, near which those of wider networks are
            is_refined = solver is self.narrowest or solver.problem.priors
            refined = lambda: self._refined(solver, solve(), zero, TRIAL_NOISY_STEPS) if is_refined else solve()
            trial = self._trials[key] = self._recalled(f"trial {key}", refined, start)
            if len(self._trials) == 1:
                self._concluding = self._cost.concluding * trial.compile_seconds + self._snapshot_seconds()
                if not recorder.limits.kept(CONCLUSION):
                    self.reserve()
            self._cost.add_trial(key[0], recorder.limits.seconds() - began, trial.compile_seconds)
        loss = self._trials[key].relative_loss
        self.losses[key[0]] = min(loss, self.losses.get(key[0], math.inf))
        return loss

    def _recalled(self, name: str, solve: Callable[[], Solve], params: Params) -> Solve:
        """A solve that starts from `params`, done now or before the run was interrupted."""
        return self._recorder.recall(name, solve, Solve.packed, lambda arrays: Solve.unpacked(arrays, params))

    def _snapshot_seconds(self) -> float:
        """Seconds of the two kernel snapshots at the end, on this machine."""
        if self._recorder.limits.budget is None:
            return 0.0
        work = lambda: 2 * record_seconds(self._ansatz.problem.domain.dimension)
        pack = lambda seconds: {"seconds": np.array(seconds)}
        return self._recorder.recall("snapshots", work, pack, lambda arrays: float(arrays["seconds"]))
