"""Convection, u_t + β u_x = 0 on [0, 2π] × [0, 1], periodic in x, u(x, 0) = sin x; β = 30, 40 and 50 are common.

Krishnapriyan et al., *Characterizing possible failure modes in physics-informed neural networks*, NeurIPS 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic

domain = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))


def exact(x, t, beta):
    return np.sin(x - beta * t)


convection = Problem(
    name="convection",
    domain=domain,
    coefficients={"beta": 30.0},
    conditions={
        "pde": Condition(lambda u, beta: u.t + beta * u.x, on=domain.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(x), on=domain.start("t")),
        "periodic": periodic(domain, "x"),
    },
    reference=exact,
)
