"""Nonlinear Schrödinger equation, i h_t + ½ h_xx + |h|² h = 0 on [−5, 5] × [0, π/2], periodic, h = 2 sech x at first.

Two real fields, h = a + ib. Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: 4096 Fourier modes, 16,000 steps. The start has a kink at x = ±5, which disperses all over the period:
with half the modes it differs by 5e-7 in the relative L2 norm, with half the steps by 1e-7. About 2e-7 remain.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, periodic
from pinnkit.problems._references import split_step
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-5.0, 5.0), t=(0.0, np.pi / 2))


@on_disk(split_step.Trajectory)
def trajectory(modes=4096, steps=16_000):
    x = -5 + 10 * np.arange(16 * modes) / (16 * modes)
    return split_step.solve(split_step.to_modes(2 / np.cosh(x), modes), 10.0, steps, np.pi / 2, every=steps // 400)


def reference(x, t):
    h = trajectory()(x + 5, t)
    return {"a": h.real, "b": h.imag}


def equations(a, b):
    size = a**2 + b**2
    return [-b.t + a.xx / 2 + size * a, a.t + b.xx / 2 + size * b]


schroedinger = Problem(
    name="schroedinger",
    domain=domain,
    fields=("a", "b"),
    conditions={
        "pde": Condition(equations, on=domain.interior),
        "initial": Condition(lambda a, b, x: [a - 2 / jnp.cosh(x), b], on=domain.start()),
        "periodic": periodic(domain, "x", order=1),
    },
    reference=reference,
)
