"""Viscous shock, u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], ν = 0.01: a front of width ν that moves with speed ½.

u = ½ (1 − tanh((x − t/2) / 4ν)), given at the start and at the walls.
Whitham, *Linear and nonlinear waves*, Wiley 1974.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, initial

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))


def front(x, t, nu):
    return (1 - jnp.tanh((x - t / 2) / (4 * nu))) / 2


def exact(x, t, nu):
    return (1 - np.tanh((x - t / 2) / (4 * nu))) / 2


burgers_shock = Problem(
    name="burgers_shock",
    domain=domain,
    coefficients={"nu": 0.01},
    conditions={
        "pde": Condition(lambda u, nu: u.t + u * u.x - nu * u.xx, on=domain.interior),
        "initial": initial(domain, lambda x, nu: front(x, 0.0, nu)),
        "walls": dirichlet(domain.boundary("x"), front),
    },
    reference=exact,
)
