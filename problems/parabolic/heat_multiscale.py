"""Anisotropic heat equation, u_t = a u_xx + b u_yy on [0, 1]² × [0, 5] with a = (500π)⁻², b = π⁻², u = 0 at the walls.

u(x, y, 0) = sin 20πx sin πy. Hao et al., *PINNacle: a comprehensive benchmark of PINNs*, NeurIPS 2024.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0), t=(0.0, 5.0))


def exact(x, y, t, a, b):
    rate = a * (20 * np.pi) ** 2 + b * np.pi**2
    return np.sin(20 * np.pi * x) * np.sin(np.pi * y) * np.exp(-rate * t)


heat_multiscale = Problem(
    name="heat_multiscale",
    domain=domain,
    coefficients={"a": (500 * np.pi) ** -2, "b": np.pi**-2},
    conditions={
        "pde": Condition(lambda u, a, b: u.t - a * u.xx - b * u.yy, on=domain.interior),
        "initial": Condition(lambda u, x, y: u - jnp.sin(20 * jnp.pi * x) * jnp.sin(jnp.pi * y), on=domain.start("t")),
        "walls": Condition(lambda u: u, on=domain.boundary("x", "y")),
    },
    reference=exact,
)
