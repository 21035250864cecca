"""Klein-Gordon equation, u_tt − u_xx + u³ = f on [0, 1]²; u = x cos 5πt + (xt)³, given at the start and at the walls.

Wang, Teng & Perdikaris, *Understanding and mitigating gradient flow pathologies in PINNs*, SISC 43, 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem

domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))


def oscillation(x, t):
    return x * jnp.cos(5 * jnp.pi * t) + (x * t) ** 3


def source(x, t):
    acceleration = -25 * jnp.pi**2 * x * jnp.cos(5 * jnp.pi * t) + 6 * x**3 * t
    return acceleration - 6 * x * t**3 + oscillation(x, t) ** 3


def exact(x, t):
    return x * np.cos(5 * np.pi * t) + (x * t) ** 3


klein_gordon = Problem(
    name="klein_gordon",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x, t: u.tt - u.xx + u**3 - source(x, t), on=domain.interior),
        "displacement": Condition(lambda u, x: u - x, on=domain.start()),
        "velocity": Condition(lambda u: u.t, on=domain.start()),
        "walls": Condition(lambda u, x, t: u - oscillation(x, t), on=domain.boundary("x")),
    },
    reference=exact,
)
