"""Biharmonic equation, Δ²u = 4π⁴ sin πx sin πy on the unit square: a plate, simply supported, u = Δu = 0 at the edges.

u = sin πx sin πy. Timoshenko & Woinowsky-Krieger, *Theory of plates and shells*, McGraw-Hill 1959.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def load(x, y):
    return 4 * jnp.pi**4 * jnp.sin(jnp.pi * x) * jnp.sin(jnp.pi * y)


def exact(x, y):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


biharmonic = Problem(
    name="biharmonic",
    domain=domain,
    conditions={
        "plate": Condition(lambda u, x, y: laplacian(laplacian(u)) - load(x, y), on=domain.interior),
        "supports": Condition(lambda u: [u, laplacian(u)], on=domain.boundary()),
    },
    reference=exact,
)
