"""Kovasznay flow: steady Navier-Stokes behind a grid, (u·∇)u = −∇p + Δu/Re, ∇·u = 0 on [−½, 1] × [−½, 3/2], Re = 40.

The velocity is given on the boundary, the pressure at one point, where it is 0. Kovasznay, *Laminar flow behind a
two-dimensional grid*, Math. Proc. Camb. Phil. Soc. 44, 1948.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, laplacian

domain = Box(x=(-0.5, 1.0), y=(-0.5, 1.5))


def momentum(u, v, p, Re):
    return [
        u * u.x + v * u.y + p.x - laplacian(u) / Re,
        u * v.x + v * v.y + p.y - laplacian(v) / Re,
    ]


def velocity(u, v, x, y, Re):
    lam = Re / 2 - jnp.sqrt(Re**2 / 4 + 4 * jnp.pi**2)
    return [
        u - 1 + jnp.exp(lam * x) * jnp.cos(2 * jnp.pi * y),
        v - lam / (2 * jnp.pi) * jnp.exp(lam * x) * jnp.sin(2 * jnp.pi * y),
    ]


def exact(x, y, Re):
    lam = Re / 2 - np.sqrt(Re**2 / 4 + 4 * np.pi**2)
    return {
        "u": 1 - np.exp(lam * x) * np.cos(2 * np.pi * y),
        "v": lam / (2 * np.pi) * np.exp(lam * x) * np.sin(2 * np.pi * y),
        "p": (1 - np.exp(2 * lam * x)) / 2,
    }


kovasznay = Problem(
    name="kovasznay",
    domain=domain,
    fields=("u", "v", "p"),
    coefficients={"Re": 40.0},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "mass": Condition(lambda u, v: u.x + v.y, on=domain.interior),
        "velocity": Condition(velocity, on=domain.boundary()),
        "pressure": Condition(lambda p: p, on=PointSet({"x": 0.0, "y": 0.0})),
    },
    reference=exact,
)
