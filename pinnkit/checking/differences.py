"""Derivatives of a reference that only NumPy can evaluate, by finite differences inside the box around the domain."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.tracing.series import Index
from .._base.types import Params
from ..equations.mistakes import ProblemError
from ..equations.problem import Problem
from ..networks.functional import FunctionalModel
from ..residuals.functions import ResidualFunctions

FINER = 0.25
"""Step of the second of two rules over that of the first; where both agree, neither is far off."""


class Differences:
    """Derivatives of functions of points by finite differences.

    A derivative of order k takes a stencil of 2m + 1 nodes, m = ⌊k/2⌋ + 2, whose step is the one at which truncation
    and rounding are about equal for a function that varies over the whole domain. At the bounds of the domain the
    stencil is moved inside.

    - `function`: from `(n, d)` to `(n, m)`; `factor`: on its steps.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], bounds: Any, factor: float):
        self._function, (self._lower, self._upper), self._factor = function, bounds, factor

    def __call__(self, x: Float[np.ndarray, "n d"], index: Index) -> Float[np.ndarray, "n m"]:
        nodes, weights = [x], [np.ones(len(x))]
        for axis, order in enumerate(index):
            if order:
                rules = [self._rule(places[:, axis], axis, order) for places in nodes]
                moved = [_at(p, axis, own) for p, (at, _) in zip(nodes, rules, strict=True) for own in at.T]
                weights = [w * own for w, (_, each) in zip(weights, rules, strict=True) for own in each.T]
                nodes = moved
        values = self._function(np.concatenate(nodes)).reshape(len(nodes), len(x), -1)
        return np.einsum("kn,knm->nm", np.stack(weights), values)

    def _rule(self, x: Float[np.ndarray, " n"], axis: int, order: int) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights along one coordinate, (n, 2m + 1) each."""
        half = order // 2 + 2
        accuracy = 2 * half + 1 - order
        length = self._upper[axis] - self._lower[axis]
        step = self._factor * length * np.finfo(float).eps ** (1 / (order + accuracy))
        middle = np.clip(x, self._lower[axis] + half * step, self._upper[axis] - half * step)
        offsets = np.arange(-half, half + 1)
        basis = np.linalg.inv(np.vander(offsets, increasing=True))  # rows: coefficients of the Lagrange polynomials
        powers = np.arange(order, len(offsets))
        factors = np.array([math.perm(int(p), order) for p in powers], float)
        derivative = ((x - middle) / step)[:, None] ** (powers - order) * factors
        return middle[:, None] + step * offsets, derivative @ basis[order:] / step**order


def _at(points: Float[np.ndarray, "n d"], axis: int, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
    moved = points.copy()
    moved[:, axis] = values
    return moved


def differenced_reference(
    problem: Problem, names: Sequence[str], factor: float, failures: list[ProblemError]
) -> tuple[ResidualFunctions, Callable[[np.ndarray, Sequence[Index]], np.ndarray]]:
    """The residuals of the reference, and its derivatives at points, of shape (n, i, m).

    - `names`: of the fields that it gives; the others are zero; `factor`: on the steps;
    - `failures`: takes the errors of the reference, which cannot be raised through JAX.
    """
    sizes = problem.field_sizes
    outputs = sum(sizes.values())

    def values(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n m"]:
        found = problem.evaluate_reference(x) or {}
        parts = [found[name] if name in names else np.zeros(len(x)) for name in sizes]
        shaped = zip(parts, sizes.values(), strict=True)
        return np.concatenate([np.broadcast_to(part.reshape(len(x), -1), (len(x), m)) for part, m in shaped], axis=1)

    differences = Differences(values, problem.domain.bounds, factor)

    @functools.cache
    def on_host(index: Index) -> Callable[..., Any]:
        """A derivative as a function that JAX calls, differentiates and maps."""

        def called(bits: Any) -> np.ndarray:
            x = np.ascontiguousarray(bits).view(float)[..., 0]
            try:
                found = differences(x.reshape(-1, len(index)), index)
            except ProblemError as error:
                failures.append(error)
                found = np.full((x.size // len(index), outputs), np.nan)
            return np.ascontiguousarray(found).reshape(*x.shape[:-1], outputs, 1).view(np.uint32)

        # as bits, for JAX rounds the double precision of what is called from another thread
        shape = jax.ShapeDtypeStruct((outputs, 2), jnp.uint32)
        to_bits = lambda x: jax.lax.bitcast_convert_type(x, jnp.uint32)
        function = jax.custom_jvp(
            lambda x: jax.lax.bitcast_convert_type(
                jax.pure_callback(called, shape, to_bits(x), vmap_method="expand_dims"), jnp.float64
            )
        )

        @function.defjvp
        def _(x: Any, rates: Any) -> Any:
            raised = (tuple(n + (i == axis) for i, n in enumerate(index)) for axis in range(len(index)))
            return function(*x), sum(on_host(each)(*x) * rate for each, rate in zip(raised, rates[0], strict=True))

        return function

    def apply(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
        return on_host((0,) * x.shape[0])(x)

    jets = lambda x, indices: np.stack([differences(x, index) for index in indices], axis=1)
    return ResidualFunctions(problem, FunctionalModel(jnp.zeros(()), apply, lambda params: None)), jets
