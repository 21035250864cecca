"""Allen-Cahn equation, u_t = D u_xx + r (u − u³) on [−1, 1] × [0, 1], D = 1e-4, r = 5, periodic, u(x, 0) = x² cos πx.

Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: 4096 Fourier modes, 1000 steps. With twice of both it differs by 1e-11 in the relative L2 norm, by at most
3e-11 from t = 0.01 on and 1e-9 from t = 0.002 on. Before, it rounds off the kink that the start has at x = ±1: by up to
1e-4 there, 1e-6 at a distance of 0.02.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic
from pinnkit.problems._references import etdrk4
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))


def initial_modes(n):
    """∫ x² cos(πx) exp(−iπnx) dx / 2 over [−1, 1]."""
    cosine = lambda m: np.where(m == 0, 2 / 3, 4 * (-1.0) ** m / (np.pi * np.where(m == 0, 1, m)) ** 2)
    return (cosine(n + 1) + cosine(n - 1)) / 4


@on_disk(etdrk4.Trajectory)
def trajectory(D, r, modes=2048, steps=1000):
    cubic = lambda c: -r * etdrk4.to_modes(etdrk4.on_grid(c) ** 3)
    linear = r - D * etdrk4.wave_numbers(modes) ** 2
    return etdrk4.solve(linear, cubic, initial_modes(np.arange(modes)), steps)


def reference(x, t, D, r):
    return np.where(t == 0, x**2 * np.cos(np.pi * x), trajectory(D, r)(x, t))


allen_cahn = Problem(
    name="allen_cahn",
    domain=domain,
    coefficients={"D": 1e-4, "r": 5.0},
    conditions={
        "pde": Condition(lambda u, D, r: u.t - D * u.xx - r * (u - u**3), on=domain.interior),
        "initial": Condition(lambda u, x: u - x**2 * jnp.cos(jnp.pi * x), on=domain.start("t")),
        "periodic": periodic(domain, "x", order=1),
    },
    reference=reference,
)
