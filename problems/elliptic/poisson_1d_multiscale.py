"""Poisson equation with two scales, u'' = f on [0, 1], u = sin 2πx + a sin 50πx.

A showcase of spectral bias: the small fast part is 625 times stiffer than the slow one.
Wang, Wang & Perdikaris, *On the eigenvector bias of Fourier feature networks*, CMAME 384, 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Interval, Problem

domain = Interval(x=(0.0, 1.0))


def source(x, a):
    return -((2 * jnp.pi) ** 2) * jnp.sin(2 * jnp.pi * x) - a * (50 * jnp.pi) ** 2 * jnp.sin(50 * jnp.pi * x)


def exact(x, a):
    return np.sin(2 * np.pi * x) + a * np.sin(50 * np.pi * x)


poisson_1d_multiscale = Problem(
    name="poisson_1d_multiscale",
    domain=domain,
    coefficients={"a": 0.1},
    conditions={
        "pde": Condition(lambda u, x, a: u.xx - source(x, a), on=domain.interior),
        "walls": Condition(lambda u: u, on=domain.boundary("x")),
    },
    reference=exact,
)
