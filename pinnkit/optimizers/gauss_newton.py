r"""Gauss-Newton and Levenberg-Marquardt as optax transformations.

Both take the keyword `linearize`, a function without arguments that gives a linearization at the current parameters,
and need no gradient besides: `updates` may be anything.
$(J^\top J + \lambda I)^{-1} J^\top r = J^\top (J J^\top + \lambda I)^{-1} r$, so the step is solved in the space of
residuals, with the training kernel, or of parameters.

With momentum μ the step is $\delta = \arg\min \|J \delta + r\|^2 + \lambda \|\delta - \mu \delta'\|^2$, δ' being the
step before: along what the present points see, δ is the damped Gauss-Newton step, and in the complement of that it goes
on as before. So fresh points add up to more than each batch tells. With $\phi = \mu \delta'$,
$\delta = \phi - J^\top (J J^\top + \lambda I)^{-1} (r + J \phi)$.

Goldshlager, Abrahamsen & Lin, *A Kaczmarz-inspired approach to accelerate the optimization of neural network
wavefunctions*, JCP 516, 2024.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from .._base.arguments import check_not_negative, check_share
from .._base.errors import InputError
from .._base.types import Params, Scalar
from ..residuals.linearization import AbstractLinearization
from .traits import Traits


class GaussNewtonState(NamedTuple):
    """- `step`: the last one."""

    step: Params
    traits = Traits(needs_double=True, linearizes=True)


def gauss_newton(damping: float = 1e-8, momentum: float = 0.0) -> optax.GradientTransformationExtraArgs:
    r"""The damped Gauss-Newton step $-J^\top (J J^\top + \lambda I)^{-1} r$.

    Chain with a line search of optax where full steps are too long; `value_fn` must then have a parameter
    `linearize` and ignore it, since optax hands every keyword on.

    - `damping`: λ relative to the mean eigenvalue of the kernel;
    - `momentum`: μ, below 1; for fresh points at every step.

    **Raises:** `ValueError` for values that cannot be meant, such as a momentum outside [0, 1).
    """
    check_not_negative(damping=damping)
    check_share(momentum=momentum)

    def update(updates: Params, state: Any, params: Params | None = None, **extra_args: Any) -> tuple[Params, Any]:
        del updates, params
        at = required("linearize", extra_args)()
        carried = momentum * ravel_pytree(state.step)[0]
        lam = damping_of(at, damping)
        step = at.unravel(carried + at.damped_solver()(lam, at.residual + at.push(carried)))
        return step, GaussNewtonState(step)

    return optax.GradientTransformationExtraArgs(
        lambda params: GaussNewtonState(jax.tree.map(jnp.zeros_like, params)), update
    )


def damping_of(at: AbstractLinearization, relative: Scalar | float) -> Scalar:
    """λ, and what rounding adds to the kernel anyway: below it a factorisation is not safe."""
    return (relative + jnp.finfo(at.residual.dtype).eps) * at.mean_eigenvalue


def required(name: str, extra_args: dict[str, Any]) -> Callable[..., Any]:
    if name not in extra_args:
        raise InputError(f"this optimizer needs the keyword `{name}` in `update`; see the docstring of its module")
    return extra_args[name]
