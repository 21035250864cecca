"""Laplace equation on an L, Δu = 0, with a singular corner: u = r^(2/3) sin(2θ/3) around the re-entrant corner.

θ counts from the edge at its right, along which and along the other one u = 0.

Grisvard, *Elliptic problems in nonsmooth domains*, Pitman 1985.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Polygon, Problem, laplacian

domain = Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)])


def singular(x, y, xp):
    theta = xp.arctan2(y, x)
    theta = xp.where(y < 0, theta + 2 * np.pi, theta)
    return (x**2 + y**2) ** (1 / 3) * xp.sin(2 * theta / 3)


def exact(x, y):
    return singular(x, y, np)


poisson_lshape = Problem(
    name="poisson_lshape",
    domain=domain,
    conditions={
        "pde": Condition(lambda u: laplacian(u), on=domain.interior),
        "walls": Condition(lambda u, x, y: u - singular(x, y, jnp), on=domain.boundary()),
    },
    reference=exact,
)
