"""Poisson equation, Δu = −π² Σ cos πx_i on the five-dimensional unit cube, u = Σ cos πx_i given on its boundary.

Guzmán-Cordero et al., *Improving energy natural gradient descent*, 2025.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(v=(0.0, 1.0), w=(0.0, 1.0), x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))


def sum_of_cosines(*x):
    return sum(jnp.cos(jnp.pi * x_i) for x_i in x)


def exact(v, w, x, y, z):
    return sum(np.cos(np.pi * x_i) for x_i in (v, w, x, y, z))


poisson_5d_cos = Problem(
    name="poisson_5d_cos",
    domain=domain,
    conditions={
        "pde": Condition(
            lambda u, v, w, x, y, z: laplacian(u) + jnp.pi**2 * sum_of_cosines(v, w, x, y, z), on=domain.interior
        ),
        "walls": Condition(lambda u, v, w, x, y, z: u - sum_of_cosines(v, w, x, y, z), on=domain.boundary()),
    },
    reference=exact,
)
