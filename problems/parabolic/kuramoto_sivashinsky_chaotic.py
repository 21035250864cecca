"""Kuramoto-Sivashinsky equation, u_t + α u u_x + β u_xx + γ u_xxxx = 0 on [0, 2π] × [0, 1], periodic: the chaotic case.

α = 100/16, β = 100/16², γ = 100/16⁴, u(x, 0) = cos x (1 + sin x).
Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training physics-informed neural networks*, 2023.

Reference: 160 Fourier modes, 64,000 steps. Twice or half the steps change it by 5e-10 in the relative L2 norm, which is
rounding that chaos amplifies, and more modes by 1e-12.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic
from pinnkit.problems._references import etdrk4
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))


@on_disk(etdrk4.Trajectory)
def trajectory(alpha, beta, gamma, modes=160, steps=64_000):
    x = np.pi * np.arange(4 * modes) / (2 * modes)
    k = np.arange(modes)
    quadratic = lambda c: -0.5j * alpha * k * etdrk4.to_modes(etdrk4.on_grid(c) ** 2)
    initial = etdrk4.to_modes(np.cos(x) * (1 + np.sin(x)))
    return etdrk4.solve(beta * k**2 - gamma * k**4, quadratic, initial, steps, every=64)


def reference(x, t, alpha, beta, gamma):
    return trajectory(alpha, beta, gamma)(np.asarray(x) / np.pi, t)


kuramoto_sivashinsky_chaotic = Problem(
    name="kuramoto_sivashinsky_chaotic",
    domain=domain,
    coefficients={"alpha": 100 / 16, "beta": 100 / 16**2, "gamma": 100 / 16**4},
    conditions={
        "pde": Condition(
            lambda u, alpha, beta, gamma: u.t + alpha * u * u.x + beta * u.xx + gamma * u.xxxx, on=domain.interior
        ),
        "initial": Condition(lambda u, x: u - jnp.cos(x) * (1 + jnp.sin(x)), on=domain.start()),
        "periodic": periodic(domain, "x", order=3),
    },
    reference=reference,
)
