"""Poisson equation in a ball with a hole that is not in its middle, −Δu = f, with values on both spheres.

The ball has radius 1, the hole radius 0.4 around (0.2, 0.1, 0).

Reference: exact, u = 0.4/|x − c| + sin 2x cos 3y e^z, with c the center of the hole; so f = 12 sin 2x cos 3y e^z.
"""

import jax.numpy as jnp

from pinnkit import Ball, Condition, Problem, dirichlet, laplacian

RADIUS, CENTER = 0.4, (0.2, 0.1, 0.0)


def wave(x, y, z):
    return jnp.sin(2 * x) * jnp.cos(3 * y) * jnp.exp(z)


def exact(x, y, z):
    distance = jnp.sqrt((x - CENTER[0]) ** 2 + (y - CENTER[1]) ** 2 + (z - CENTER[2]) ** 2)
    return RADIUS / distance + wave(x, y, z)


domain = Ball(radius=1.0) - Ball(radius=RADIUS, x=CENTER[0], y=CENTER[1], z=CENTER[2]).named("hole")

poisson_shell = Problem(
    name="poisson_shell",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x, y, z: -laplacian(u) - 12 * wave(x, y, z), on=domain.interior),
        "spheres": dirichlet(domain.boundary(), exact),
    },
    reference=exact,
)
