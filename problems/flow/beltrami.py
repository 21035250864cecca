"""Beltrami flow: unsteady Navier-Stokes in three dimensions, u_t + (u·∇)u = −∇p + Δu/Re, ∇·u = 0 on [−1, 1]³ × [0, 1].

The vorticity is everywhere along the velocity, which decays as exp(−d²t/Re). The velocity is given at the start and on
the walls, the pressure in the middle.
Ethier & Steinman, *Exact fully 3D Navier-Stokes solutions for benchmarking*, Int. J. Numer. Methods Fluids 19, 1994.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

A, D = np.pi / 4, np.pi / 2
CYCLES = ((0, 1, 2), (1, 2, 0), (2, 0, 1))

domain = Box(x=(-1.0, 1.0), y=(-1.0, 1.0), z=(-1.0, 1.0), t=(0.0, 1.0))


def velocity(x, y, z, t, Re, np=jnp):
    at, decay = (x, y, z), np.exp(-(D**2) * t / Re)
    wave = lambda i, j, k: np.exp(A * at[i]) * np.sin(A * at[j] + D * at[k])
    other = lambda i, j, k: np.exp(A * at[k]) * np.cos(A * at[i] + D * at[j])
    return [-A * decay * (wave(*cycle) + other(*cycle)) for cycle in CYCLES]


def pressure(x, y, z, t, Re, np=jnp):
    at = (x, y, z)
    squares = sum(np.exp(2 * A * s) for s in at)
    cross = lambda i, j, k: (
        2 * np.sin(A * at[i] + D * at[j]) * np.cos(A * at[k] + D * at[i]) * np.exp(A * (at[j] + at[k]))
    )
    return -(A**2) / 2 * np.exp(-2 * D**2 * t / Re) * (squares + sum(cross(*cycle) for cycle in CYCLES))


def momentum(u, v, w, p, Re):
    rate = lambda s: s.t + u * s.x + v * s.y + w * s.z - laplacian(s) / Re
    return [rate(u) + p.x, rate(v) + p.y, rate(w) + p.z]


def given(u, v, w, x, y, z, t, Re):
    return [field - value for field, value in zip((u, v, w), velocity(x, y, z, t, Re), strict=True)]


def middle(p, t, Re):
    return p(x=0.0, y=0.0, z=0.0) - pressure(0.0, 0.0, 0.0, t, Re)


def exact(x, y, z, t, Re):
    return *velocity(x, y, z, t, Re, np), pressure(x, y, z, t, Re, np)


beltrami = Problem(
    name="beltrami",
    domain=domain,
    fields=("u", "v", "w", "p"),
    coefficients={"Re": 1.0},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "mass": Condition(lambda u, v, w: u.x + v.y + w.z, on=domain.interior),
        "initial": Condition(given, on=domain.start()),
        "walls": Condition(given, on=domain.boundary()),
        "pressure": Condition(middle, on=domain.lower_face("x")),
    },
    reference=exact,
)
