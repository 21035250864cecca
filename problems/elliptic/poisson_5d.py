"""Poisson equation, Δu = f on the five-dimensional unit cube, u = Σ sin(πx_i/2), given on the boundary.

Müller & Zeinhofer, *Achieving high accuracy with PINNs via energy natural gradient descent*, ICML 2023.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x1=(0.0, 1.0), x2=(0.0, 1.0), x3=(0.0, 1.0), x4=(0.0, 1.0), x5=(0.0, 1.0))


def sum_of_sines(*x):
    return sum(jnp.sin(jnp.pi * x_i / 2) for x_i in x)


def exact(x1, x2, x3, x4, x5):
    return sum(np.sin(np.pi * x_i / 2) for x_i in (x1, x2, x3, x4, x5))


poisson_5d = Problem(
    name="poisson_5d",
    domain=domain,
    conditions={
        "pde": Condition(
            lambda u, x1, x2, x3, x4, x5: laplacian(u) + jnp.pi**2 / 4 * sum_of_sines(x1, x2, x3, x4, x5),
            on=domain.interior,
        ),
        "walls": Condition(
            lambda u, x1, x2, x3, x4, x5: u - sum_of_sines(x1, x2, x3, x4, x5),
            on=domain.boundary(),
        ),
    },
    reference=exact,
)
