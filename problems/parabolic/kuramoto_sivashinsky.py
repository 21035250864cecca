"""Kuramoto-Sivashinsky equation, u_t + α u u_x + β u_xx + γ u_xxxx = 0 on [−1, 1] × [0, 1], periodic: the regular case.

α = 5, β = 0.5, γ = 0.005, u(x, 0) = −sin πx.
Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training physics-informed neural networks*, 2023.

Reference: 64 Fourier modes, 32,000 steps. Twice or half the steps change it by 2e-10 in the relative L2 norm, which is
rounding, and more modes by 1e-13.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic
from pinnkit.problems._references import etdrk4
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))


@on_disk(etdrk4.Trajectory)
def trajectory(alpha, beta, gamma, modes=64, steps=32_000):
    x = np.arange(4 * modes) / (2 * modes)
    k = etdrk4.wave_numbers(modes)
    quadratic = lambda c: -0.5j * alpha * k * etdrk4.to_modes(etdrk4.on_grid(c) ** 2)
    initial = etdrk4.to_modes(-np.sin(np.pi * x))
    return etdrk4.solve(beta * k**2 - gamma * k**4, quadratic, initial, steps, every=32)


def reference(x, t, alpha, beta, gamma):
    return trajectory(alpha, beta, gamma)(x, t)


kuramoto_sivashinsky = Problem(
    name="kuramoto_sivashinsky",
    domain=domain,
    coefficients={"alpha": 5.0, "beta": 0.5, "gamma": 0.005},
    conditions={
        "pde": Condition(
            lambda u, alpha, beta, gamma: u.t + alpha * u * u.x + beta * u.xx + gamma * u.xxxx, on=domain.interior
        ),
        "initial": Condition(lambda u, x: u + jnp.sin(jnp.pi * x), on=domain.start()),
        "periodic": periodic(domain, "x", order=3),
    },
    reference=reference,
)
