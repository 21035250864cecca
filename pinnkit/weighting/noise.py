r"""Weights of data by their noise: a discrepancy principle for training.

With weights that suit exact data a network reproduces the noise, and the equations give way. Here data conditions lose
weight while their misfit is noise: while it is not larger than σ² allows, or, without a known σ, while neighbouring
residuals are uncorrelated and it has not risen. They regain it as soon as the misfit is more than noise, so that at the
end the equations are imposed as strictly as the data allow.

Morozov, *On the solution of functional equations by the method of regularization*, Soviet Math. Dokl. 7, 1966; Almeida
& Figueiredo, *Parameter estimation for blind and non-blind deblurring using residual whiteness measures*, IEEE Trans.
Image Process. 22, 2013.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._base.errors import InputError
from .._base.types import Params, Weights
from .._base.whiteness import DEVIATIONS, neighbours
from ..equations.condition import PRIOR, Condition
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions
from .rule import AbstractWeighting

LEAST = 1e-2
"""Least factor of the weight of a data condition: equations are then imposed 10 times as strictly as data. With less,
steps become short: fields and coefficients can only change together."""

CORRELATED = 1.0
"""Correlation of neighbouring residuals, in standard deviations, which larger residuals than before may not exceed."""

FACTOR = 2.0
"""By which the weight of a data condition changes in an update."""


class NoiseState(eqx.Module):
    """- `inner`: state of the rule for exact data; `weights`: by that rule; `factors`: of data conditions;
    - `updates`: the number of updates so far.
    """

    inner: Any
    weights: Weights
    factors: dict[str, Array]
    least: dict[str, Array]
    updates: Int[Array, ""]


class NoiseWeighting(AbstractWeighting):
    """The weights of another rule, those of data times a factor between `LEAST` and 1 that is found from their noise,
    and those of priors times `PRIOR`.

    - `inner`: the rule for exact data; None keeps the weights of the phase before.
    """

    inner: AbstractWeighting | None = None
    every: int = 20

    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> NoiseState:
        inner = None if self.inner is None else self.inner.init(residuals, batch, weights)
        factors = {name: jnp.ones_like(weights[name]) for name in residuals.problem.measured}
        least = {name: jnp.full_like(factor, jnp.inf) for name, factor in factors.items()}
        return NoiseState(inner, dict(weights), factors, least, jnp.asarray(0))

    def update(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: NoiseState
    ) -> tuple[Weights, NoiseState]:
        weights, inner = self._inner(residuals, params, batch, state)
        measured = residuals.problem.measured
        found = residuals(params, {name: batch[name] for name in measured})
        factors, least = dict[str, Array](), dict[str, Array]()
        for name, condition in measured.items():
            points, before, r = _points(condition), state.factors[name], found[name]
            least[name] = jnp.minimum(state.least[name], jnp.mean(r**2))
            is_noise = _is_noise(points, condition.sigma, r, least[name])
            factors[name] = jnp.clip(jnp.where(is_noise, 1 / FACTOR, FACTOR) * before, LEAST, 1.0).astype(before.dtype)
        scale = {} if self.inner is None else dict.fromkeys(residuals.problem.priors, PRIOR)
        scaled = {name: weight * factors.get(name, scale.get(name, 1.0)) for name, weight in weights.items()}
        return scaled, NoiseState(inner, weights, factors, least, state.updates + 1)

    def _inner(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: NoiseState
    ) -> tuple[Weights, Any]:
        """The weights for exact data, when they are due."""
        rule = self.inner
        if rule is None:
            return state.weights, state.inner
        due = state.updates % max(rule.every // self.every, 1) == 0
        update = lambda: rule.update(residuals, params, batch, state.inner)
        return jax.lax.cond(due, update, lambda: (state.weights, state.inner))


def _points(condition: Condition) -> np.ndarray:
    assert condition.on.given is not None  # noqa: S101  it is measured
    return condition.on.given


def _is_noise(points: np.ndarray, sigma: float | None, r: Array, least: Array) -> Array:
    """Whether residuals are no larger than errors of σ; without it, whether they are uncorrelated with those of their
    neighbours. Of few values only a strong correlation is certain; a weaker one is believed where they have grown.
    """
    square, more = jnp.mean(r**2), 1 + DEVIATIONS * math.sqrt(2 / r.size)
    if sigma is not None:
        return square <= sigma**2 * more
    pairs, rows = neighbours(points), r.reshape(len(points), -1)
    unit = pairs.deviation * math.sqrt(rows.shape[1]) * square
    correlation = jnp.sum(rows * rows[pairs.other])
    return correlation <= jnp.where(square <= more * least, DEVIATIONS, CORRELATED) * unit


def with_noise(rule: AbstractWeighting | None, problem: Problem, is_fixed: bool) -> AbstractWeighting | None:
    """A rule that also weighs data by their noise, and priors, if there are any, weights may change, and all points of
    a condition have the same.

    **Raises:** `InputError` for a rule that weighs single points, where there are priors.
    """
    if is_fixed or not (problem.measured or problem.priors):
        return rule
    if rule is not None and (rule.per_point or rule.remembers_points):
        if problem.priors:
            raise InputError(
                f"{type(rule).__name__} weighs single points, but problem '{problem.name}' has the priors "
                f"{list(problem.priors)}, which count as a whole; take another weighting, such as 'trace'"
            )
        return rule
    return NoiseWeighting(inner=rule)
