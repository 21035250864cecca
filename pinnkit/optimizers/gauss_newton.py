r"""Gauss-Newton as an optax transformation.

It takes the keyword `linearize`, a function without arguments that returns a linearization at the current parameters,
and needs no gradient: `updates` is ignored. Since
$(J^\top J + \lambda I)^{-1} J^\top r = J^\top (J J^\top + \lambda I)^{-1} r$, the step is solved in the space of residuals,
with the training kernel, or in the space of parameters.

With momentum μ and the last step δ', the step is
$\delta = \arg\min \|J \delta + r\|^2 + \lambda \|\delta - \mu \delta'\|^2$. In the directions that the current points
determine, δ is the damped Gauss-Newton step; in the others it continues the last step, so information from several
batches accumulates. With $\phi = \mu \delta'$, $\delta = \phi - J^\top (J J^\top + \lambda I)^{-1} (r + J \phi)$.

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
    """- `step`: the last step, a tree of parameters."""

    step: Params
    traits = Traits(needs_double=True, linearizes=True)


def gauss_newton(damping: float = 1e-8, momentum: float = 0.0) -> optax.GradientTransformationExtraArgs:
    r"""The damped Gauss-Newton step $-J^\top (J J^\top + \lambda I)^{-1} r$.

    Chain it with a line search of optax if full steps are too long. `value_fn` must then have a parameter `linearize`
    and ignore it, since optax passes on every keyword.

    - `damping`: λ relative to the mean eigenvalue of the kernel;
    - `momentum`: μ in [0, 1), for points that are redrawn at every step.

    **Raises:** `InputError` for invalid values, such as a momentum outside [0, 1).
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
    """λ plus the rounding error of the kernel: with less damping, a factorisation may fail."""
    return (relative + jnp.finfo(at.residual.dtype).eps) * at.mean_eigenvalue


def required(name: str, extra_args: dict[str, Any]) -> Callable[..., Any]:
    """A keyword of `update`, which not every caller gives."""
    if name not in extra_args:
        raise InputError(f"this optimizer needs the keyword `{name}` in `update`; see the docstring of its module")
    return extra_args[name]
