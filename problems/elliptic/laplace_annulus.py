"""Laplace equation in an annulus, Δu = 0 for 1/2 < r < 1, with values that vary on the inner and the outer circle.

Reference: exact, u = log r + r^3 sin 3θ / 2 + r^-2 cos 2θ / 8.
"""

import jax.numpy as jnp

from pinnkit import Annulus, Condition, Problem, dirichlet, laplacian


def exact(x, y):
    r, angle = jnp.sqrt(x**2 + y**2), jnp.arctan2(y, x)
    return jnp.log(r) + r**3 * jnp.sin(3 * angle) / 2 + jnp.cos(2 * angle) / (8 * r**2)


domain = Annulus(inner=0.5, outer=1.0)

laplace_annulus = Problem(
    name="laplace_annulus",
    domain=domain,
    conditions={
        "pde": Condition(lambda u: laplacian(u), on=domain.interior),
        "circles": dirichlet(domain.boundary(), exact),
    },
    reference=exact,
)
