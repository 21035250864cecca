"""Levenberg-Marquardt as an optax transformation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from .._base.arguments import check_positive, check_share, check_whole
from .._base.errors import InputError
from .._base.types import Params, Scalar
from .gauss_newton import damping_of, required
from .traits import Traits


class LevenbergMarquardtState(NamedTuple):
    """- `damping`: λ relative to the mean eigenvalue of the kernel; `growth`: its factor at the next rejection;
    - `accepted`: whether the last step reduced the loss; `attempts`: the number of dampings tried for it;
    - `step`: the last step, zero if none was accepted; `gradient_norm`: norm of the gradient where it started.
    """

    damping: Scalar
    growth: Scalar
    accepted: Array
    attempts: Array
    step: Params
    gradient_norm: Scalar
    traits = Traits(needs_double=True, linearizes=True)


def levenberg_marquardt(
    damping: float = 1e-2, attempts: int = 6, momentum: float = 0.0
) -> optax.GradientTransformationExtraArgs:
    r"""Gauss-Newton with a damping that adapts by accepting and rejecting steps.

    A step is taken only if it reduces the loss. Otherwise the damping grows and the step is solved again, without
    momentum and with the same kernel. After a step, the damping follows the ratio of actual to predicted reduction.
    Takes the keywords `linearize` and `value_fn` (the loss as a function of the parameters).

    - `damping`: the initial λ, relative to the mean eigenvalue of the kernel;
    - `attempts`: most solves per step;
    - `momentum`: μ in [0, 1); see `gauss_newton`.

    An iterative solve stops at the relative residual $0.9 (\|g\| / \|g'\|)^\phi$ with the golden ratio φ and the
    gradient g' of the last step, limited to 1e-6 to 1e-2.

    **Raises:** `InputError` for invalid values, such as a momentum outside [0, 1).

    Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05, DTU 1999; Eisenstat & Walker, *Choosing the
    forcing terms in an inexact Newton method*, SIAM J. Sci. Comput. 17, 1996.
    """
    check_positive(damping=damping)
    check_whole(attempts=attempts)
    check_share(momentum=momentum)

    def update(updates: Params, state: Any, params: Params | None = None, **extra_args: Any) -> tuple[Params, Any]:
        del updates
        if params is None:
            raise InputError(
                "Levenberg-Marquardt evaluates the loss after each trial step: give `update` the parameters"
            )
        value_fn, at = required("value_fn", extra_args), required("linearize", extra_args)()
        gradient_norm = jnp.linalg.norm(at.gradient)
        solve = at.damped_solver(_forcing(gradient_norm, state.gradient_norm))
        carried = momentum * ravel_pytree(state.step)[0]

        def attempt(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            state, _ = carry
            before = jnp.where(state.attempts == 0, carried, 0.0)
            step = before + solve(damping_of(at, state.damping), at.residual + at.push(before))
            left = at.residual + at.push(step)
            predicted = at.loss - 0.5 * jnp.vdot(left, left)
            gain = (at.loss - value_fn(optax.apply_updates(params, at.unravel(step)))) / predicted
            return _next(state, jnp.where(predicted > 0, gain, -1.0)), step

        def rejected(carry: tuple[Any, ...]) -> Array:
            return ~carry[0].accepted & (carry[0].attempts < attempts)

        start = state._replace(accepted=jnp.asarray(False), attempts=jnp.asarray(0), gradient_norm=gradient_norm)
        state, step = jax.lax.while_loop(rejected, attempt, (start, jnp.zeros_like(carried)))
        step = at.unravel(jnp.where(state.accepted, step, 0.0))
        return step, state._replace(step=step)

    return optax.GradientTransformationExtraArgs(lambda params: _initial(params, damping), update)


def _initial(params: Params, damping: float) -> LevenbergMarquardtState:
    dtype = jnp.result_type(*jax.tree.leaves(params))
    return LevenbergMarquardtState(
        damping=jnp.asarray(damping, dtype),
        growth=jnp.asarray(2.0, dtype),
        accepted=jnp.asarray(True),
        attempts=jnp.asarray(0),
        step=jax.tree.map(jnp.zeros_like, params),
        gradient_norm=jnp.asarray(jnp.inf, dtype),
    )


def _next(state: LevenbergMarquardtState, gain: Scalar) -> LevenbergMarquardtState:
    """The state after an attempt whose reduction was `gain` times the predicted one; NaN is a rejection."""
    accepted = gain > 0
    shrink = jnp.maximum(1 / 3, 1 - (2 * gain - 1) ** 3)
    factor = jnp.where(accepted, jnp.minimum(shrink, 2.0), state.growth)
    bounds = jnp.finfo(state.damping.dtype).eps ** 2, 1e8
    return state._replace(
        damping=jnp.clip(state.damping * factor, *bounds),
        growth=jnp.where(accepted, 2.0, jnp.minimum(2 * state.growth, 64.0)),
        accepted=accepted,
        attempts=state.attempts + 1,
    )


def _forcing(gradient_norm: Scalar, before: Scalar) -> Scalar:
    """The relative residual at which an iterative solve stops (Eisenstat & Walker)."""
    golden = (1 + 5**0.5) / 2
    return jnp.clip(0.9 * (gradient_norm / before) ** golden, 1e-6, 1e-2)
