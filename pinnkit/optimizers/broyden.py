r"""Self-scaled members of Broyden's class.

With the step s, the change y of the gradient and $B = H^{-1}$, the members of Broyden's class scaled by τ are

$$H_+ = \frac{1}{\tau} \Bigl( H - \frac{H y y^\top H}{y^\top H y} + \phi\, v v^\top \Bigr) + \frac{s s^\top}{y^\top s},
\qquad v = \sqrt{y^\top H y} \Bigl( \frac{s}{y^\top s} - \frac{H y}{y^\top H y} \Bigr).$$

Nocedal & Wright, *Numerical optimization*, 2006, chapter 6, for BFGS; Al-Baali, *Numerical experience with a class of
self-scaling quasi-Newton algorithms*, JOTA 96, 1998, for τ and φ; Urbán, Stefanou & Pons, *Unveiling the optimization
process of physics informed neural networks*, JCP 523, 2025, and Kiyani et al., *Optimizing the optimizer for
physics-informed neural networks and Kolmogorov-Arnold networks*, 2025, for what they do to residuals of differential
equations.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Scalar


class Pair(NamedTuple):
    """Two curvatures of a pair (s, y), from which a member of Broyden's class is chosen, for n parameters.

    - `b`: $s^\\top B s / y^\\top s$; `h`: $y^\\top H y / y^\\top s$. By the Cauchy-Schwarz inequality bh ≥ 1.
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
    """τ = min(1, 1/b), φ = 1: the inverse Hessian grows if the step found less curvature than it predicts."""
    return jnp.minimum(1.0, 1 / pair.b), jnp.ones_like(pair.b)


def self_scaled_broyden(pair: Pair) -> tuple[Scalar, Scalar]:
    """Al-Baali's self-scaled member, between BFGS and beyond DFP; recommended by Urbán et al."""
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
