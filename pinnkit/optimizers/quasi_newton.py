"""Quasi-Newton methods with a dense inverse Hessian as optax transformations.

The line search measures both gradients of a pair (s, y) in one step on one batch, so points may be redrawn between
steps: the change of points does not enter the curvature.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._base.errors import InputError
from .._base.types import Params, Scalar
from .broyden import MEMBERS, next_inverse
from .traits import Traits
from .wolfe import line_search

LARGEST_BYTES = 2 * 1024**3
"""Largest size of an inverse Hessian."""


class QuasiNewtonState(NamedTuple):
    """- `inverse`: H, rows and columns in the order of the raveled parameters;
    - `pairs`: number of pairs (s, y) in H since it was the identity;
    - `step_size`: length of the last step along $-Hg$, 0 if none was taken; `evaluations`: evaluations of the loss and
      its gradient in its line search.
    """

    inverse: Float[Array, "p p"]
    pairs: Array
    step_size: Scalar
    evaluations: Array
    traits = Traits(needs_double=True)


def quasi_newton(member: str = "ssbroyden", evaluations: int = 25) -> optax.GradientTransformationExtraArgs:
    """A quasi-Newton method with a line search for the Wolfe conditions.

    Takes the keywords `value`, `grad` and `value_fn` of the line searches of optax. If the search finds no reduction, the
    parameters do not change and H is reset to the identity. H is always symmetric positive definite.

    - `member`: "bfgs", "ssbfgs" or "ssbroyden";
    - `evaluations`: most evaluations of the loss and its gradient in a line search.

    **Raises:** `InputError` for an unknown member, and for parameters whose inverse Hessian would exceed 2 GiB.
    """
    if member not in MEMBERS:
        raise InputError(f"unknown quasi-Newton method '{member}'; choose one of {', '.join(MEMBERS)}")

    def init(params: Params) -> QuasiNewtonState:
        flat, _ = ravel_pytree(params)
        if (size := flat.size**2 * flat.dtype.itemsize) > LARGEST_BYTES:
            raise InputError(
                f"the inverse Hessian of {flat.size} parameters takes {size / 2**30:.1f} GiB; take a network with "
                f"at most {math.isqrt(LARGEST_BYTES // flat.dtype.itemsize)} parameters, or strategy 'lbfgs'"
            )
        none = jnp.asarray(0)
        return QuasiNewtonState(jnp.eye(flat.size, dtype=flat.dtype), none, jnp.zeros((), flat.dtype), none)

    def update(
        updates: Params, state: Any, params: Params | None = None, **extra_args: Any
    ) -> tuple[Params, QuasiNewtonState]:
        del updates
        if params is None or not {"value", "grad", "value_fn"} <= set(extra_args):
            raise InputError("a quasi-Newton step needs the parameters and the keywords `value`, `grad` and `value_fn`")
        g, _ = ravel_pytree(extra_args["grad"])
        flat, unravel = ravel_pytree(params)
        value_and_grad = jax.value_and_grad(lambda flat: extra_args["value_fn"](unravel(flat)))
        is_fresh = state.pairs == 0
        H = jnp.where(is_fresh, 1 / (jnp.linalg.norm(g) + jnp.finfo(g.dtype).tiny), 1.0) * state.inverse
        direction = -H @ g
        found, count = line_search(value_and_grad, flat, direction, extra_args["value"], g, evaluations)
        is_taken = found.step_size > 0
        s, y = jnp.where(is_taken, found.step_size * direction, 0.0), found.gradient - g
        ys, Bs = jnp.vdot(y, s), -found.step_size * g
        is_curved = ys > jnp.finfo(s.dtype).eps * jnp.linalg.norm(y) * jnp.linalg.norm(s)
        size = jnp.where(is_fresh, ys / jnp.vdot(y, H @ y), 1.0)  # scale H by the curvature of the first pair
        H = jnp.where(is_curved, next_inverse(size * H, s, y, Bs / size, MEMBERS[member]), state.inverse)
        H = jnp.where(is_taken, H, jnp.eye(len(g), dtype=g.dtype))
        pairs = jnp.where(is_taken, state.pairs + is_curved, 0)
        return unravel(s), QuasiNewtonState(H, pairs, found.step_size, count)

    return optax.GradientTransformationExtraArgs(init, update)
