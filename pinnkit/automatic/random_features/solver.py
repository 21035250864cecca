"""A problem solved with random features: one hidden layer of fixed sines, its output layer found by least squares."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.compilation import Stopwatch
from ..._base.types import Params
from ..._base.whiteness import is_white
from ...equations.exact.ansatz import Ansatz
from ...equations.problem import Problem
from ...geometry.domain import AbstractDomain
from ...networks.adapters import as_functional
from ...networks.functional import FunctionalModel
from ...networks.random_features import SineFeatures
from ...networks.stretching import Bump
from ...residuals.functions import Batch, ResidualFunctions
from ...runs.events import OutputStep
from ...runs.resume.replay import Arrays
from ...samplers.counts import counts_of_rows, point_counts
from ...samplers.sampler import batch_of
from ...samplers.space_filling import AbstractSpaceFilling, QuasiRandom
from .bandwidth import Bandwidth
from .continuation import Continuation
from .noisy_data import NoisyFit
from .output_layer import OutputLayer, weighted_loss
from .variable_projection import VariableProjection

ROWS_PER_UNKNOWN = 2.0
"""Residuals per unknown: with fewer, the validation residual exceeds the training residual."""

FEWEST_VALIDATION_POINTS = 256

LINES, LINE_POINTS, NEARLY_ALL = 16, 128, 0.99
"""Lines along each coordinate, points on each, and the share of the residual's variation below the bandwidth."""

INSIDE = 1024
"""Points inside a shape by which its inradius is found."""

ROUNDING = 1e-10
"""The residual of a condition is rounding error, without a frequency, below this share of the largest one."""

NOISE = 0.1
"""Of fields around a constant that start a search where zero cannot."""

NOISY_STEPS, NOISY = 15, 0.1
"""Most steps with data weighted by their noise, and the factor of a weight below which data count as noisy."""

_VALIDATION_SEED = 30_011

Mover = Callable[[Batch], Batch]
"""Maps points of the whole domain to a part of it."""

DEFAULT_PROJECTION, DEFAULT_SAMPLER = VariableProjection(), QuasiRandom()


def unmoved(batch: Batch) -> Batch:
    """The points as they are."""
    return batch


class Solve(NamedTuple):
    """The result of solving for the output layer.

    - `params`: the parameters found; `steps`: figures before each step; `weights`: of the loss;
    - `initial_loss`, `final_loss`: validation loss with the output layer at zero, and after the last step;
    - `missing_seconds`: what the next step would have needed, if time ended the steps, else 0;
    - `compile_seconds`: of tracing and compiling;
    - `sigma`: standard deviations of the data conditions that are known, or were found;
    - `noise`: the part of the final loss that no network can reduce: noise of the data, and of priors.
    """

    params: Params
    steps: list[OutputStep]
    weights: dict[str, float]
    initial_loss: float
    final_loss: float
    missing_seconds: float = 0.0
    compile_seconds: float = 0.0
    sigma: Mapping[str, float] = MappingProxyType({})
    noise: float = 0.0

    @property
    def relative_loss(self) -> float:
        """Final over initial validation loss, without noise; infinite if one of them is not finite."""
        if not math.isfinite(self.initial_loss) or not math.isfinite(self.final_loss):
            return math.inf
        return (self.final_loss - self.noise) / self.initial_loss if self.initial_loss > 0 else 0.0

    def packed(self) -> Arrays:
        """As arrays, see `Replay`."""
        names = list(self.weights)
        unknowns = list(self.steps[0].coefficients) if self.steps else []
        rows = [
            [s.loss, s.gradient_norm, *s.losses.values(), *s.weights.values(), *s.coefficients.values()]
            for s in self.steps
        ]
        figures = [self.initial_loss, self.final_loss, self.missing_seconds, self.compile_seconds, self.noise]
        return {
            "conditions": np.array(names, np.str_),
            "unknowns": np.array(unknowns, np.str_),
            "weights": np.array(list(self.weights.values()), float),
            "steps": np.array(rows, float).reshape(len(rows), 2 + 2 * len(names) + len(unknowns)),
            "figures": np.array(figures),
            "measured": np.array(list(self.sigma), np.str_),
            "sigma": np.array(list(self.sigma.values()), float),
            **{f"params/{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(self.params))},
        }

    @classmethod
    def unpacked(cls, arrays: Arrays, like: Params) -> "Solve":
        """Read what `packed` returned, with parameters in the tree of `like`."""
        names, unknowns = arrays["conditions"].tolist(), arrays["unknowns"].tolist()
        leaves, tree = jax.tree.flatten(like)
        by_name = lambda values, names=names: dict(zip(names, values, strict=True))
        n = len(names)
        steps = [
            OutputStep(loss, by_name(rest[:n]), norm, by_name(rest[n : 2 * n]), by_name(rest[2 * n :], unknowns))
            for loss, norm, *rest in arrays["steps"].tolist()
        ]
        params = tree.unflatten([jnp.asarray(arrays[f"params/{i}"]) for i in range(len(leaves))])
        weights, sigma = (
            by_name(arrays["weights"].tolist()),
            by_name(arrays["sigma"].tolist(), arrays["measured"].tolist()),
        )
        initial, final, missing, compiling, noise = arrays["figures"].tolist()
        return cls(params, steps, weights, initial, final, missing, compiling, sigma, noise)


class FeatureSolver:
    """Solves one problem with networks of one shape and any bandwidth; compiled once.

    - `problem`: with the soft constraints; `model_of`: the network, inside its ansatz, from its bandwidth;
    - `trial_steps`, `final_steps`: Gauss-Newton steps of a trial and of a solve, for nonlinear equations that can start
      from zero;
    - `batch`, `validation_batch`: points of the least squares, from `sampler`, and others;
    - `counts`: numbers of the former.
    """

    def __init__(
        self,
        problem: Problem,
        model_of: Callable[[Bandwidth], FunctionalModel],
        seed: int,
        *,
        trial_steps: int = 3,
        final_steps: int = 15,
        projection: VariableProjection = DEFAULT_PROJECTION,
        sampler: AbstractSpaceFilling = DEFAULT_SAMPLER,
    ):
        self._trial_steps, self.final_steps, self._projection = trial_steps, final_steps, projection
        self.problem, self._model_of, self._seed = problem, model_of, seed
        self.model = model_of(problem.domain.dimension * (1.0,))
        self.residuals = ResidualFunctions(problem, self.model)
        self.layer = OutputLayer(self.residuals, self.model)
        counts = counts_of_rows(problem, ROWS_PER_UNKNOWN * self.layer.size)
        fewer = {name: max(problem.conditions[name].on.least, n // 4) for name, n in counts.items()}
        fewer |= {name: max(fewer[name], FEWEST_VALIDATION_POINTS) for name in _interior(problem)}
        draw = lambda by, counts, seed: batch_of(problem, by.init(problem, point_counts(problem, counts), seed))
        self.batch = draw(sampler, counts, seed)
        self.validation_batch = draw(QuasiRandom(), fewer, seed + _VALIDATION_SEED)
        self.counts = {name: len(points) for name, points in self.batch.items()}

    @property
    def trial_steps(self) -> int:
        """Steps of a trial: as many as of a solve if they do not start from zero, where the first ones tell nothing."""
        return self.final_steps if self.stuck else self._trial_steps

    def params(self, bandwidth: Bandwidth | None = None) -> Params:
        """A network of this bandwidth (default 1) with an output layer of zero, unless nothing leads away from it."""
        params = self._zero(bandwidth)
        return self._stirred(params) if self.stuck else params

    def _zero(self, bandwidth: Bandwidth | None = None) -> Params:
        bandwidth = self.problem.domain.dimension * (1.0,) if bandwidth is None else bandwidth
        return self.residuals.initial_params(self._model_of(bandwidth).params)

    @functools.cached_property
    def stuck(self) -> tuple[str, ...]:
        """Conditions that do not hold for an output layer of zero and do not change with it to first order, such as the
        norm of an eigenfunction: no Gauss-Newton step can start there.
        """
        if self.layer.is_linear:
            return ()
        jacobians, values = self.layer.shifted(self._zero(), self.batch).linearize(np.zeros(self.layer.size))
        flat = [name for name, J in jacobians.items() if not J.any()]
        return tuple(name for name in flat if values[name].any())

    def _stirred(self, params: Params) -> Params:
        """The same with fields around a positive constant, of the size for which conditions that were stuck hold best.

        The shift holds the coefficients, and the weights of the sines and the constants of each network.
        """
        sines = sum(size for ndim, size in self.layer.leaves if ndim == 2)
        random, scale = np.random.default_rng(self._seed), NOISE / np.sqrt(sines)
        parts = {0: np.zeros, 1: np.ones, 2: lambda size: scale * random.standard_normal(size)}
        start = np.concatenate([parts[ndim](size) for ndim, size in self.layer.leaves])
        own = {name: self.batch[name] for name in self.stuck}

        def loss(scale: float) -> float:
            values = self.layer.values(self.layer.moved(params, scale * start), own)
            return sum(float(np.mean(r**2)) for r in values.values())

        return self.layer.moved(params, min(2.0 ** np.arange(-20, 21), key=loss) * start)

    def solve(
        self,
        params: Params,
        most: int,
        moved: Mover = unmoved,
        enough: float = 0.0,
        is_over: Callable[[float], bool] = lambda _: False,
        weights: Callable[[], Mapping[str, float] | None] = lambda: None,
        trial: Solve | None = None,
        origin: Params | None = None,
    ) -> Solve:
        """Find the output layer, starting from `params`.

        - `most`: largest number of steps; `enough`: relative loss at which to stop;
        - `moved`: maps the points to a part of the domain;
        - `is_over`: whether there is no time for a step that takes a number of seconds;
        - `weights`: of the conditions; None for those inverse to the traces of the kernel at `params`;
        - `trial`: a solve from the same parameters that ended early, to continue;
        - `origin`: parameters whose loss is the initial one; `params` by default.
        """
        if trial is not None and self.layer.is_linear:
            return trial
        watch, missing = Stopwatch(), [0.0]
        batch, validation_batch, given = moved(self.batch), moved(self.validation_batch), weights()
        steps, found = ([], params) if trial is None else (list(trial.steps), trial.params)

        def ends(seconds: float) -> bool:
            missing[0] = max(seconds, 1e-9) if is_over(seconds) else 0.0
            return missing[0] > 0

        taken = list(
            self._projection.steps(
                self.layer, found, batch, given, most=most, enough=enough, is_over=ends, earlier=steps
            )
        )
        steps, found = steps + [step for _, step in taken], taken[-1][0] if taken else found
        used = steps[0].weights if steps else dict(given or dict.fromkeys(self.residuals.conditions, 1.0))
        initial, final = (self.layer.loss(p, validation_batch, used) for p in (origin or params, found))
        noise = self._preferred(found, validation_batch, used)
        return Solve(found, steps, used, initial, final, missing[0], watch.compiled, noise=noise)

    def fitted(self, zero: Params, model: FunctionalModel, params: Params, moved: Mover = unmoved) -> Params:
        """Parameters near a solution by another model: the closest network, and its unknown coefficients."""
        batch = moved({name: self.batch[name] for name in _interior(self.problem)})
        x = jnp.concatenate([points.coordinates for points in batch.values()])
        values = jax.vmap(model.apply, (None, 0))(params["network"], x)
        return self.layer.fitted({**zero, "coefficients": params["coefficients"]}, x, values)

    def continued(self, zero: Params, is_over: Callable[[float], bool], weights: Mapping[str, float]) -> Params:
        """Parameters near a solution that steps from zero do not reach (see `continuation`)."""
        return Continuation(self.layer, self._projection, self.batch, weights, is_over).run(zero)

    def refined(self, solve: Solve, most: int, is_over: Callable[[float], bool], origin: Params) -> Solve:
        """A solve continued with data weighted by their noise (see `NoisyFit`); as it is without measured values.

        Its losses are those with the weights for exact data, so that networks compare.

        - `most`: largest number of further steps.
        """
        problem, measured = self.problem, self.problem.measured
        if not measured:
            return solve
        watch, sigma = Stopwatch(), {name: condition.sigma for name, condition in measured.items()}
        exact = solve.steps[0].weights if solve.steps else solve.weights
        fit = NoisyFit(self.layer, sigma, exact, len(problem.unknowns), problem.priors)
        taken = list(fit.steps(solve.params, self.batch, most, is_over))
        if not taken:
            return solve
        params, _, weighed = taken[-1]
        values = self.layer.values(params, self.batch)
        places = {name: np.asarray(self.batch[name].coordinates) for name in measured}
        is_noise = lambda name: (
            weighed.factors[name] <= NOISY and is_white(places[name], values[name], weighed.sigma[name])
        )
        squares = {name: float(np.mean(values[name] ** 2)) for name in measured if is_noise(name)}
        noise = 0.5 * sum(exact[name] * square for name, square in squares.items())
        noise += self._preferred(params, self.validation_batch, exact)
        initial, final = (self.layer.loss(p, self.validation_batch, exact) for p in (origin, params))
        return solve._replace(
            params=params,
            steps=solve.steps + [step for _, step, _ in taken],
            weights=fit.scaled(weighed.factors),
            initial_loss=initial,
            final_loss=final,
            compile_seconds=solve.compile_seconds + watch.compiled,
            sigma=weighed.sigma,
            noise=noise,
        )

    def _preferred(self, params: Params, batch: Batch, weights: Mapping[str, float]) -> float:
        """The part of the loss that is that of priors."""
        own = {name: batch[name] for name in self.problem.priors}
        return weighted_loss(self.layer.values(params, own), {name: weights[name] for name in own}) if own else 0.0

    @functools.cached_property
    def weights(self) -> dict[str, float]:
        """Weights from the kernel of a smooth network: the same for every bandwidth, so that losses compare.

        In the kernel of high-frequency sines, derivatives of high order outweigh everything else; weights inverse to it
        would nearly ignore the PDE and fit noise or a kink instead. On a thin shape, smooth functions vary across it:
        there a source has smaller solutions, and the boundary larger weights.
        """
        return self.layer.weights(self.params(_smoothest(self.problem.domain)), self.batch)


def _smoothest(domain: AbstractDomain) -> Bandwidth:
    """Bandwidth of functions that vary as little as the domain allows: over its half width, or its inradius."""
    found = np.ones(domain.dimension)
    if not domain.fills_its_bounds:
        unit = np.random.default_rng(0).random((INSIDE, domain.interior.dimension))
        inside = np.asarray(domain.interior.points(jnp.asarray(unit)).coordinates)
        axes = [domain.coordinates.index(name) for name in domain.space]
        half = (domain.upper - domain.lower)[axes] / 2
        found[axes] = np.maximum(half / np.abs(domain.signed_distance(inside)).max(), 1.0)
    return tuple(found.tolist())


def residual_bandwidth(solver: FeatureSolver, params: Params, moved: Mover = unmoved) -> Bandwidth:
    """How fast the residual varies along each coordinate, on random lines.

    This is the frequency, in radians per half width of the domain, below which nearly all of its power lies.
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
            _highest_frequency(r.reshape(LINES, LINE_POINTS, -1)) / _share(problem, name, axis)
            for name, r in values.items()
            if np.abs(r).max() > ROUNDING * largest
        ]
        found.append(max(frequencies, default=0.0))
    return tuple(found)


def _share(problem: Problem, condition: str, axis: int) -> float:
    """The extent of a condition along an axis, as a share of that of the domain of its fields."""
    domain = problem.field_domains.of(problem.equation(condition)) or problem.domain
    (low, high), (lower, upper) = problem.conditions[condition].on.bounds, domain.bounds
    return float((high - low)[axis] / (upper - lower)[axis])


def _highest_frequency(lines: Float[np.ndarray, "l n m"]) -> float:
    tapered = (lines - lines.mean(axis=1, keepdims=True)) * np.hanning(lines.shape[1])[:, None]
    power = (np.abs(np.fft.rfft(tapered, axis=1)) ** 2).sum(axis=(0, 2))
    if not power.sum() > 0:
        return 0.0
    return float(np.pi * np.searchsorted(np.cumsum(power) / power.sum(), NEARLY_ALL))


def feature_model(
    ansatz: Ansatz,
    width: int,
    bandwidth: float | Sequence[float],
    seed: int,
    interactions: int | None = None,
    bumps: Sequence[Bump] | None = None,
) -> FunctionalModel:
    """A network of random features for a problem, inside its ansatz; in stretched coordinates if there are `bumps`."""
    domains, dimension = ansatz.problem.field_domains, ansatz.problem.domain.dimension
    stretching = None if bumps is None else ansatz.stretching(bumps)
    along = np.broadcast_to(np.asarray(bandwidth, float), (dimension,))

    def make(domain: AbstractDomain, outputs: int, number: int) -> SineFeatures:
        return SineFeatures(
            domain,
            outputs,
            width,
            along[list(domains.axes(domain))].tolist(),
            periodic=[name for name in ansatz.periods if name in domain.coordinates],
            interactions=interactions and min(interactions, domain.dimension),
            edges=ansatz.edges,
            singularities=ansatz.singularities,
            stretching=stretching,
            seed=seed + number,
        )

    return ansatz.wrap(as_functional(domains.network(make), dimension))


def _interior(problem: Problem) -> list[str]:
    """The conditions of full dimension."""
    return [name for name, c in problem.conditions.items() if c.on.dimension == problem.domain.dimension]
