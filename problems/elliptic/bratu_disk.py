"""Bratu's equation with a source on the unit disk, Δu + λ e^u = f, u = 0 on the circle; here λ = 1.

Bratu's equation is that of a thermal explosion; for large λ it has no solution without the source.

Reference: exact, u = (1 − r²) cos x, from which f follows.
"""

import jax.numpy as jnp

from pinnkit import Condition, Disk, Problem, dirichlet, laplacian


def exact(x, y):
    return (1 - x**2 - y**2) * jnp.cos(x)


def source(x, y, rate):
    return (x**2 + y**2 - 5) * jnp.cos(x) + 4 * x * jnp.sin(x) + rate * jnp.exp(exact(x, y))


domain = Disk(radius=1.0)

bratu_disk = Problem(
    name="bratu_disk",
    domain=domain,
    coefficients={"rate": 1.0},
    conditions={
        "pde": Condition(
            lambda u, x, y, rate: laplacian(u) + rate * jnp.exp(u) - source(x, y, rate), on=domain.interior
        ),
        "rim": dirichlet(domain.boundary()),
    },
    reference=exact,
)
