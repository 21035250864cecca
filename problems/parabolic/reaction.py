"""Reaction, u_t = ρ u (1 − u) on [0, 2π] × [0, 1] with ρ = 5, periodic in x, from a Gauss curve around π.

Krishnapriyan et al., *Characterizing possible failure modes in physics-informed neural networks*, NeurIPS 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic

domain = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))


def exact(x, t, rho):
    start = np.exp(-8 * (x / np.pi - 1) ** 2)
    return start * np.exp(rho * t) / (start * np.exp(rho * t) + 1 - start)


reaction = Problem(
    name="reaction",
    domain=domain,
    coefficients={"rho": 5.0},
    conditions={
        "pde": Condition(lambda u, rho: u.t - rho * u * (1 - u), on=domain.interior),
        "initial": Condition(lambda u, x: u - jnp.exp(-8 * (x / jnp.pi - 1) ** 2), on=domain.start("t")),
        "periodic": periodic(domain, "x"),
    },
    reference=exact,
)
