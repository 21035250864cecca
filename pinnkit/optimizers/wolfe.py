"""A line search for the strong Wolfe conditions."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Scalar


class Trial(NamedTuple):
    """A trial step: its size, and the loss, its slope along the line and its gradient there."""

    step_size: Scalar
    value: Scalar
    slope: Scalar
    gradient: Float[Array, " p"]


def line_search(
    value_and_grad: Callable[[Array], tuple[Scalar, Array]],
    x: Float[Array, " p"],
    direction: Float[Array, " p"],
    value: Scalar,
    gradient: Float[Array, " p"],
    evaluations: int,
    decrease: float = 1e-4,
    curvature: float = 0.9,
) -> tuple[Trial, Array]:
    """A step that satisfies the Wolfe conditions, and the number of evaluations.

    Starts from step size 1, brackets by doubling and then interpolates; a step to values that are not finite is too
    long. After `evaluations` evaluations, the longest step with sufficient decrease is returned, which may be 0.

    - `decrease`, `curvature`: the constants of the two conditions.

    Lewis & Overton, *Nonsmooth optimization via quasi-Newton methods*, Math. Program. 141, 2013. Near rounding error
    the decrease is judged by the slope, as by Hager & Zhang, *A new conjugate gradient method with guaranteed descent
    and an efficient line search*, SIAM J. Optim. 16, 2005.
    """
    zero = jnp.zeros_like(value)
    start = Trial(zero, value, jnp.vdot(gradient, direction), gradient)
    noise = 10 * jnp.finfo(value.dtype).eps * jnp.abs(value)

    def at(step_size: Scalar) -> Trial:
        found, slope_of = value_and_grad(x + step_size * direction)
        return Trial(step_size, found, jnp.vdot(slope_of, direction), slope_of)

    def is_low(trial: Trial) -> Array:
        by_value = trial.value <= value + decrease * trial.step_size * start.slope
        by_slope = (trial.value <= value + noise) & (trial.slope <= (2 * decrease - 1) * start.slope)
        return (by_value | by_slope) & jnp.isfinite(trial.gradient).all()

    def body(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        low, high, step_size, _, count = carry
        trial = at(step_size)
        fits = is_low(trial)
        low, high = jax.tree.map(partial(jnp.where, fits), (trial, high), (low, trial))
        is_found = fits & (trial.slope >= curvature * start.slope)
        return low, high, _between(low, high), is_found, count + 1

    def is_searching(carry: tuple[Any, ...]) -> Array:
        return ~carry[3] & (carry[4] < evaluations)

    unbounded = start._replace(step_size=jnp.full_like(zero, jnp.inf))
    first = start, unbounded, jnp.ones_like(value), start.slope >= 0, jnp.asarray(0)
    low, _, _, _, count = jax.lax.while_loop(is_searching, body, first)
    return low, count


def _between(low: Trial, high: Trial) -> Scalar:
    """The minimiser of the cubic through both ends, kept away from them; twice the lower end without an upper one."""
    width = high.step_size - low.step_size
    chord = 3 * (high.value - low.value) / width
    middle = low.slope + high.slope - chord
    root = jnp.sqrt(jnp.maximum(middle**2 - low.slope * high.slope, 0.0))
    share = (root - low.slope + middle) / (high.slope - low.slope + 2 * root)
    share = jnp.where(jnp.isfinite(share), jnp.clip(share, 0.1, 0.9), 0.5)
    return jnp.where(jnp.isinf(high.step_size), 2 * low.step_size, low.step_size + share * width)
