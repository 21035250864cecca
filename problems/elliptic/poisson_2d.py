"""Poisson equation, Δu = f on the unit square with u = 0 on its boundary; u = sin πx sin πy."""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def source(x, y):
    return -2 * jnp.pi**2 * jnp.sin(jnp.pi * x) * jnp.sin(jnp.pi * y)


def exact(x, y):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


poisson_2d = Problem(
    name="poisson_2d",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x, y: laplacian(u) - source(x, y), on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary()),
    },
    reference=exact,
)
