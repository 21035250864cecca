"""Helmholtz equation, u_xx + u_yy + u = q on [−1, 1]² with u = 0 on its boundary.

u = sin(a1 πx) sin(a2 πy) for whole numbers a1 and a2.
Wang, Teng & Perdikaris, *Understanding and mitigating gradient flow pathologies in PINNs*, SISC 43, 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))


def source(x, y, a1, a2):
    return (1 - (a1**2 + a2**2) * jnp.pi**2) * jnp.sin(a1 * jnp.pi * x) * jnp.sin(a2 * jnp.pi * y)


def exact(x, y, a1, a2):
    return np.sin(a1 * np.pi * x) * np.sin(a2 * np.pi * y)


helmholtz_2d = Problem(
    name="helmholtz_2d",
    domain=domain,
    coefficients={"a1": 1.0, "a2": 4.0},
    conditions={
        "pde": Condition(lambda u, x, y, a1, a2: laplacian(u) + u - source(x, y, a1, a2), on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary()),
    },
    reference=exact,
)
