"""A problem solved by one layer of sines: conditions by construction, output layer by least squares."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.compilation import Stopwatch
from ..._base.types import Params
from ...equations.exact.ansatz import Ansatz
from ...equations.problem import Problem
from ...geometry.region import AbstractRegion
from ...networks.adapters import as_functional
from ...networks.functional import FunctionalModel
from ...networks.random_features import SineFeatures
from ...residuals.functions import Batch, ResidualFunctions
from ...runs.events import OutputStep
from ...runs.resume.replay import Arrays
from ...samplers.counts import counts_of_rows, point_counts
from ...samplers.sampler import batch_of
from ...samplers.space_filling import QuasiRandom
from .bandwidth import Bandwidth
from .variable_projection import OutputLayer

ROWS_PER_UNKNOWN = 2.0
"""Residuals per unknown: fewer and the validation residual comes off the training residual."""

FEWEST_VALIDATION_POINTS = 256

TRIAL_STEPS, FINAL_STEPS = 3, 15
"""Gauss-Newton steps of a trial and of a solve, for equations that are not linear."""

LINES, LINE_POINTS, NEARLY_ALL = 16, 128, 0.99
"""Lines along each coordinate, points on each, and the share of the residual's variation that counts."""

ROUNDING = 1e-10
"""A condition whose residual is smaller than this share of the largest one says nothing about frequencies."""

_VALIDATION_SEED = 30_011

Mover = Callable[[Batch], Batch]
"""Where points of the whole domain are to go, for a part of it."""


def stay(batch: Batch) -> Batch:
    """Points stay where they are."""
    return batch


class Attempt(NamedTuple):
    """- `params`: what was found; `steps`: what was seen on the way; `weights`: of the loss;
    - `before`, `after`: loss on validation points with the output layer at zero, and at the end;
    - `lacked`: seconds that the next step would have needed, where time ended the steps; `compiled`: seconds that went
      to tracing and compiling.
    """

    params: Params
    steps: list[OutputStep]
    weights: dict[str, float]
    before: float
    after: float
    lacked: float = 0.0
    compiled: float = 0.0

    @property
    def left(self) -> float:
        """Share of the validation loss that is left; infinite where a loss is not finite."""
        if not math.isfinite(self.before) or not math.isfinite(self.after):
            return math.inf
        return self.after / self.before if self.before > 0 else 0.0

    def packed(self) -> Arrays:
        """As plain arrays."""
        names = list(self.weights)
        rows = [[s.loss, s.gradient_norm, *s.losses.values(), *s.weights.values()] for s in self.steps]
        return {
            "conditions": np.array(names, np.str_),
            "weights": np.array(list(self.weights.values()), float),
            "steps": np.array(rows, float).reshape(len(rows), 2 + 2 * len(names)),
            "figures": np.array([self.before, self.after, self.lacked, self.compiled]),
            **{f"params/{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(self.params))},
        }

    @classmethod
    def unpacked(cls, arrays: Arrays, like: Params) -> "Attempt":
        """What was `packed`, with parameters in the tree of `like`."""
        names, (leaves, tree) = arrays["conditions"].tolist(), jax.tree.flatten(like)
        by_name = lambda values: dict(zip(names, values, strict=True))
        steps = [
            OutputStep(loss, by_name(rest[: len(names)]), norm, by_name(rest[len(names) :]))
            for loss, norm, *rest in arrays["steps"].tolist()
        ]
        params = [jnp.asarray(arrays[f"params/{i}"]) for i in range(len(leaves))]
        return cls(tree.unflatten(params), steps, by_name(arrays["weights"].tolist()), *arrays["figures"].tolist())


class FeatureSolver:
    """Solves one problem with networks of one shape and any bandwidth; compiled once.

    - `problem`: with the conditions that are left in the loss; `model_of`: the network from its bandwidth, inside its
      ansatz;
    - `counts`: points of each condition.
    """

    def __init__(self, problem: Problem, model_of: Callable[[Bandwidth], FunctionalModel], seed: int):
        self.problem, self._model_of = problem, model_of
        self.model = model_of(problem.domain.dimension * (1.0,))
        self.residuals = ResidualFunctions(problem, self.model)
        self.layer = OutputLayer(self.residuals, self.model)
        self.counts = counts_of_rows(problem, ROWS_PER_UNKNOWN * self.layer.size)
        fewer = {name: max(problem.conditions[name].on.least, n // 4) for name, n in self.counts.items()}
        fewer |= {name: max(fewer[name], FEWEST_VALIDATION_POINTS) for name in _interior(problem)}
        draw = lambda counts, seed: batch_of(problem, QuasiRandom().init(problem, point_counts(problem, counts), seed))
        self.batch, self.validation_losses = draw(self.counts, seed), draw(fewer, seed + _VALIDATION_SEED)

    def params(self, bandwidth: Bandwidth | None = None) -> Params:
        """A network of this bandwidth, 1 unless told, whose output layer is zero."""
        bandwidth = self.problem.domain.dimension * (1.0,) if bandwidth is None else bandwidth
        return self.residuals.initial_params(self._model_of(bandwidth).params)

    def solve(
        self,
        params: Params,
        most: int,
        moved: Mover = stay,
        enough: float = 0.0,
        is_over: Callable[[float], bool] = lambda _: False,
        weights: Callable[[], Mapping[str, float] | None] = lambda: None,
        trial: Attempt | None = None,
    ) -> Attempt:
        """Find the output layer from `params` in at most so many steps.

        - `moved`: where the points are to go, for a part of the domain;
        - `enough`: share of the loss at which to stop;
        - `is_over`: whether there is no time for a step that takes so many seconds;
        - `weights`: of the conditions; that of None for those inverse to the traces of the kernel of `params`;
        - `trial`: an attempt from the same parameters that ended early, to go on from.
        """
        if trial is not None and self.layer.is_linear:
            return trial
        watch, lacked = Stopwatch(), [0.0]
        batch, validation_losses, given = moved(self.batch), moved(self.validation_losses), weights()
        seen, found = ([], params) if trial is None else (list(trial.steps), trial.params)

        def ends(seconds: float) -> bool:
            lacked[0] = max(seconds, 1e-9) if is_over(seconds) else 0.0
            return lacked[0] > 0

        more = list(self.layer.steps(found, batch, given, most, enough, ends, earlier=seen))
        seen, found = seen + [step for _, step in more], more[-1][0] if more else found
        used = seen[0].weights if seen else dict(given or dict.fromkeys(self.residuals.conditions, 1.0))
        before, after = (self.layer.loss(p, validation_losses, used) for p in (params, found))
        return Attempt(found, seen, used, before, after, lacked[0], watch.compiled)

    @functools.cached_property
    def weights(self) -> dict[str, float]:
        """Inverse to the traces of the kernel of a smooth network: the same for every bandwidth, so that those compare.

        In the kernel of a network with fast sines, derivatives of high order outweigh all else; weights inverse to that
        would take their residuals for nothing.
        """
        return self.layer.weights(self.params(), self.batch)


def residual_bandwidth(solver: FeatureSolver, params: Params, moved: Mover = stay) -> Bandwidth:
    """How fast the residual varies along each coordinate: the frequency, in radians per half width of the domain, below
    which lies nearly all of its variation on random lines.
    """
    problem, found = solver.problem, []
    rng = np.random.default_rng(0)
    for axis in range(problem.domain.dimension):
        unit = np.repeat(rng.random((LINES, 1, problem.domain.dimension)), LINE_POINTS, axis=1)
        unit[:, :, axis] = np.linspace(0, 1, LINE_POINTS, endpoint=False)
        regions = {name: problem.conditions[name].on for name in _interior(problem)}
        points = jnp.asarray(unit.reshape(-1, problem.domain.dimension))
        values = solver.layer.values(params, moved({name: region.points(points) for name, region in regions.items()}))
        largest = max(np.abs(r).max() for r in values.values())
        frequencies = [
            _highest_frequency(r.reshape(LINES, LINE_POINTS, -1)) / _share(problem, regions[name], axis)
            for name, r in values.items()
            if np.abs(r).max() > ROUNDING * largest
        ]
        found.append(max(frequencies, default=0.0))
    return tuple(found)


def _share(problem: Problem, region: AbstractRegion, axis: int) -> float:
    """Of the domain's extent along an axis, that of a region."""
    (low, high), (lower, upper) = region.bounds, problem.domain.bounds
    return float((high - low)[axis] / (upper - lower)[axis])


def _highest_frequency(lines: Float[np.ndarray, "l n m"]) -> float:
    tapered = (lines - lines.mean(axis=1, keepdims=True)) * np.hanning(lines.shape[1])[:, None]
    power = (np.abs(np.fft.rfft(tapered, axis=1)) ** 2).sum(axis=(0, 2))
    if not power.sum() > 0:
        return 0.0
    return float(np.pi * np.searchsorted(np.cumsum(power) / power.sum(), NEARLY_ALL))


def feature_model(ansatz: Ansatz, width: int, bandwidth: float | Sequence[float], seed: int) -> FunctionalModel:
    """Sine features for a problem, inside its ansatz."""
    problem = ansatz.problem
    outputs = sum(problem.field_sizes.values())
    network = SineFeatures(problem.domain, outputs, width, bandwidth, periodic=tuple(ansatz.periods), seed=seed)
    return ansatz.wrap(as_functional(network, problem.domain.dimension))


def _interior(problem: Problem) -> list[str]:
    """The conditions of full dimension."""
    return [name for name, c in problem.conditions.items() if c.on.dimension == problem.domain.dimension]
