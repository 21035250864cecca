"""Poisson equation, −u'' = π² sin πx on [0, 1] with u = 0 at both ends (the example of the NTK tutorial of Opifex)."""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Interval, Problem

domain = Interval(x=(0.0, 1.0))


def exact(x):
    return np.sin(np.pi * x)


poisson_1d = Problem(
    name="poisson_1d",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x: -u.xx - jnp.pi**2 * jnp.sin(jnp.pi * x), on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary("x")),
    },
    reference=exact,
)
