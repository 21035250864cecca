"""Fast advection, u_t + c u_x = 0 on [0, 2π] × [0, 1] with c = 80, periodic in x, u(x, 0) = sin x; c = 30 is easy.

Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training physics-informed neural networks*, 2023.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic

domain = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))


def exact(x, t, c):
    return np.sin(x - c * t)


advection = Problem(
    name="advection",
    domain=domain,
    coefficients={"c": 80.0},
    conditions={
        "pde": Condition(lambda u, c: u.t + c * u.x, on=domain.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(x), on=domain.start("t")),
        "periodic": periodic(domain, "x"),
    },
    reference=exact,
)
