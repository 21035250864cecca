r"""Kernel-space Gauss-Newton and Levenberg-Marquardt as optax transformations.

Both take the keyword `linearize`, a function without arguments that gives the `Linearization` at the current
parameters. $(J^\top J + \lambda I)^{-1} J^\top r = J^\top (J J^\top + \lambda I)^{-1} r$, so the step is solved in the
space of residuals, with the training kernel, or of parameters, whichever is smaller.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ._types import Params, Scalar


def gauss_newton(damping: float = 1e-8) -> optax.GradientTransformationExtraArgs:
    r"""The damped Gauss-Newton step $-J^\top (J J^\top + \lambda I)^{-1} r$.

    Chain with a line search of optax where full steps are too long; `value_fn` must then have a parameter
    `linearize` and ignore it, since optax hands every keyword on.

    - `damping`: λ relative to the mean eigenvalue of the kernel.
    """

    def update(updates: Params, state: Any, params: Params | None = None, **extra_args: Any) -> tuple[Params, Any]:
        del updates, params
        step = _required("linearize", extra_args)()
        lam = damping * _mean_curvature(step) + _smallest_damping(step)
        return step.unravel(step.damped_solver()(lam)), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


class LevenbergMarquardtState(NamedTuple):
    """- `damping`: λ relative to the mean eigenvalue of the kernel; `growth`: its next factor on rejection;
    - `accepted`: whether the last step reduced the loss; `attempts`: how many dampings it tried.
    """

    damping: Scalar
    growth: Scalar
    accepted: Array
    attempts: Array


def levenberg_marquardt(damping: float = 1e-2, attempts: int = 6) -> optax.GradientTransformationExtraArgs:
    """Gauss-Newton with the damping found by accept and reject.

    A step is taken only if it reduces the loss; otherwise the damping grows and the step is solved again, up
    to `attempts` times on one kernel. After a step the damping follows the ratio of actual to predicted
    reduction. Needs `value_fn` (the loss as a function of the parameters) besides `linearize`.

    - `damping`: the first λ, relative to the mean eigenvalue of the kernel.

    Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05, DTU 1999.
    """

    def init(params: Params) -> LevenbergMarquardtState:
        dtype = jnp.result_type(*jax.tree.leaves(params))
        return LevenbergMarquardtState(
            jnp.asarray(damping, dtype), jnp.asarray(2.0, dtype), jnp.asarray(True), jnp.asarray(0)
        )

    def update(updates: Params, state: Any, params: Params | None = None, **extra_args: Any) -> tuple[Params, Any]:
        del updates
        if params is None:
            raise ValueError("Levenberg-Marquardt tries its steps: give `update` the parameters")
        value_fn, step = _required("value_fn", extra_args), _required("linearize", extra_args)()
        solve, unit, least = step.damped_solver(), _mean_curvature(step), _smallest_damping(step)
        loss, gradient = 0.5 * jnp.vdot(step.residual, step.residual), step.gradient

        def attempt(carry: tuple) -> tuple:
            state, _ = carry
            lam = state.damping * unit + least
            direction = solve(lam)
            predicted = 0.5 * (lam * jnp.vdot(direction, direction) - jnp.vdot(direction, gradient))
            gain = (loss - value_fn(optax.apply_updates(params, step.unravel(direction)))) / predicted
            return _next(state, gain), direction

        def rejected(carry: tuple) -> Array:
            return ~carry[0].accepted & (carry[0].attempts < attempts)

        start = state._replace(accepted=jnp.asarray(False), attempts=jnp.asarray(0)), jnp.zeros_like(gradient)
        state, direction = jax.lax.while_loop(rejected, attempt, start)
        return step.unravel(jnp.where(state.accepted, direction, 0.0)), state

    return optax.GradientTransformationExtraArgs(init, update)


def _next(state: LevenbergMarquardtState, gain: Scalar) -> LevenbergMarquardtState:
    """Damping after an attempt whose reduction was `gain` times the predicted one (NaN counts as none)."""
    accepted = gain > 0
    shrink = jnp.maximum(1 / 3, 1 - (2 * gain - 1) ** 3)
    factor = jnp.where(accepted, jnp.minimum(shrink, 2.0), state.growth)
    bounds = jnp.finfo(state.damping.dtype).eps ** 2, 1e8
    return LevenbergMarquardtState(
        jnp.clip(state.damping * factor, *bounds),
        jnp.where(accepted, 2.0, jnp.minimum(2 * state.growth, 64.0)),
        accepted,
        state.attempts + 1,
    )


def _required(name: str, extra_args: dict[str, Any]) -> Callable[..., Any]:
    if name not in extra_args:
        raise ValueError(f"this optimizer needs the keyword `{name}` in `update`; see the docstring of its module")
    return extra_args[name]


def _mean_curvature(step: Any) -> Scalar:
    """Mean eigenvalue of the kernel (its Rayleigh quotient along the gradient where J is not at hand)."""
    if hasattr(step, "jacobian"):
        return jnp.sum(step.jacobian**2) / min(step.jacobian.shape)
    gradient: Float[Array, " p"] = step.gradient
    pushed = step.push(gradient)
    return jnp.vdot(pushed, pushed) / (jnp.vdot(gradient, gradient) + jnp.finfo(gradient.dtype).tiny)


def _smallest_damping(step: Any) -> Scalar:
    """What rounding adds to the kernel anyway: below it a factorisation is not safe."""
    return jnp.finfo(step.residual.dtype).eps * _mean_curvature(step)
