r"""Self-scaled quasi-Newton methods with a dense inverse Hessian as optax transformations.

With the step s, the change y of the gradient and $B = H^{-1}$, the members of Broyden's class scaled by τ are

$$H_+ = \frac{1}{\tau} \Bigl( H - \frac{H y y^\top H}{y^\top H y} + \phi\, v v^\top \Bigr) + \frac{s s^\top}{y^\top s},
\qquad v = \sqrt{y^\top H y} \Bigl( \frac{s}{y^\top s} - \frac{H y}{y^\top H y} \Bigr).$$

Nocedal & Wright, *Numerical optimization*, 2006, chapter 6, for BFGS; Al-Baali, *Numerical experience with a class of
self-scaling quasi-Newton algorithms*, JOTA 96, 1998, for τ and φ; Urbán, Stefanou & Pons, *Unveiling the optimization
process of physics informed neural networks*, JCP 523, 2025, and Kiyani et al., *Optimizing the optimizer for
physics-informed neural networks and Kolmogorov-Arnold networks*, 2025, for what they do to residuals of differential
equations.

Both ends of the pair (s, y) are measured by the line search, in one step on one batch, so that points which are redrawn
between steps do not enter the curvature.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._base.errors import InputError
from .._base.types import Params, Scalar
from .traits import Traits
from .wolfe import line_search

LARGEST_BYTES = 2 * 1024**3
"""An inverse Hessian larger than this is refused."""


class Pair(NamedTuple):
    """What a member of Broyden's class is chosen by, for n parameters.

    - `b`: $s^\\top B s / y^\\top s$; `h`: $y^\\top H y / y^\\top s$. By Cauchy and Schwarz bh ≥ 1.
    """

    b: Scalar
    h: Scalar
    n: int


Member: TypeAlias = Callable[[Pair], tuple[Scalar, Scalar]]
"""From a pair to τ and φ."""


def bfgs(pair: Pair) -> tuple[Scalar, Scalar]:
    """τ = 1, φ = 1."""
    return jnp.ones_like(pair.b), jnp.ones_like(pair.b)


def self_scaled_bfgs(pair: Pair) -> tuple[Scalar, Scalar]:
    """τ = min(1, 1/b), φ = 1: the inverse Hessian grows where the step found less curvature than it had."""
    return jnp.minimum(1.0, 1 / pair.b), jnp.ones_like(pair.b)


def self_scaled_broyden(pair: Pair) -> tuple[Scalar, Scalar]:
    """Al-Baali's member of the class between BFGS and beyond DFP, the one Urbán et al. recommend."""
    b, h, n = pair
    a = jnp.maximum(b * h - 1, jnp.finfo(b.dtype).eps)
    lower = jnp.minimum(1.0, h * (1 - jnp.sqrt(a / (1 + a))))
    theta = jnp.clip((1 - b) / b, (lower - 1) / a, 1 / lower)
    sigma = 1 + a * theta
    shrink = sigma ** (-1 / max(n - 1, 1))
    scale = jnp.minimum(1.0, 1 / b)
    tau = jnp.where(
        theta > 0, scale * jnp.minimum(shrink, 1 / jnp.maximum(theta, 1.0)), jnp.minimum(scale * shrink, sigma)
    )
    return tau, (1 - theta) / sigma


MEMBERS: dict[str, Member] = {"bfgs": bfgs, "ssbfgs": self_scaled_bfgs, "ssbroyden": self_scaled_broyden}


class QuasiNewtonState(NamedTuple):
    """- `inverse`: H, rows and columns in the order of the raveled parameters;
    - `pairs`: how many have entered H since it was the identity;
    - `step_size`: of the last step along $-Hg$, 0 where none was taken; `evaluations`: of loss and gradient for it.
    """

    inverse: Float[Array, "p p"]
    pairs: Array
    step_size: Scalar
    evaluations: Array
    traits = Traits(needs_double=True)


def quasi_newton(member: str = "ssbroyden", evaluations: int = 25) -> optax.GradientTransformationExtraArgs:
    """A quasi-Newton method with a line search for the Wolfe conditions.

    Takes the keywords `value`, `grad` and `value_fn` of optax's line searches. Where the search finds no reduction the
    parameters stay and H starts afresh. H is symmetric positive definite throughout.

    - `member`: "bfgs", "ssbfgs" or "ssbroyden";
    - `evaluations`: of loss and gradient in a line search, at most.

    **Raises:** `ValueError` for an unknown member, and for parameters whose inverse Hessian would exceed 2 GiB.
    """
    if member not in MEMBERS:
        raise InputError(f"there is no quasi-Newton method '{member}'; there are {', '.join(MEMBERS)}")

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
        size = jnp.where(is_fresh, ys / jnp.vdot(y, H @ y), 1.0)  # H as large as the first pair says
        H = jnp.where(is_curved, next_inverse(size * H, s, y, Bs / size, MEMBERS[member]), state.inverse)
        H = jnp.where(is_taken, H, jnp.eye(len(g), dtype=g.dtype))
        pairs = jnp.where(is_taken, state.pairs + is_curved, 0)
        return unravel(s), QuasiNewtonState(H, pairs, found.step_size, count)

    return optax.GradientTransformationExtraArgs(init, update)


def next_inverse(
    H: Float[Array, "p p"],
    s: Float[Array, " p"],
    y: Float[Array, " p"],
    Bs: Float[Array, " p"],
    member: Member,
) -> Float[Array, "p p"]:
    r"""$H_+$ of a member of the class, with $H_+ y = s$, from H = B⁻¹ and a pair with $y^\top s > 0$."""
    Hy = H @ y
    ys, yHy = jnp.vdot(y, s), jnp.vdot(y, Hy)
    tau, phi = member(Pair(jnp.vdot(s, Bs) / ys, yHy / ys, len(s)))
    v = jnp.sqrt(yHy) * (s / ys - Hy / yHy)
    return (H - jnp.outer(Hy, Hy) / yHy + phi * jnp.outer(v, v)) / tau + jnp.outer(s, s) / ys
