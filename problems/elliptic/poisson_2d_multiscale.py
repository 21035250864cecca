"""Poisson equation with four scales, Δu = f on the unit square, u = 0 on its boundary.

u = ¼ Σ sin ωπx sin ωπy with ω = 4, 8, 12, 16.
Anderson et al., *ELM-FBPINN: efficient finite-basis physics-informed neural networks*, 2024.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))
frequencies = 4, 8, 12, 16


def source(x, y):
    waves = [(w, jnp.sin(w * jnp.pi * x) * jnp.sin(w * jnp.pi * y)) for w in frequencies]
    return -sum(2 * (w * jnp.pi) ** 2 * wave for w, wave in waves) / 4


def exact(x, y):
    return sum(np.sin(w * np.pi * x) * np.sin(w * np.pi * y) for w in frequencies) / 4


poisson_2d_multiscale = Problem(
    name="poisson_2d_multiscale",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x, y: laplacian(u) - source(x, y), on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary()),
    },
    reference=exact,
)
