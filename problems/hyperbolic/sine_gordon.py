"""Sine-Gordon equation, u_tt − u_xx + sin u = 0 on [−10, 10] × [0, 5]: a breather of frequency ω = 0.6, at rest first.

u = 4 arctan(√(1 − ω²) cos ωt / (ω cosh √(1 − ω²) x)), which also gives the values at the walls.
Ablowitz, Kaup, Newell & Segur, *Method for solving the sine-Gordon equation*, Phys. Rev. Lett. 30, 1973.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem

domain = Box(x=(-10.0, 10.0), t=(0.0, 5.0))


def breather(x, t, omega):
    width = jnp.sqrt(1 - omega**2)
    return 4 * jnp.arctan(width * jnp.cos(omega * t) / (omega * jnp.cosh(width * x)))


def exact(x, t, omega):
    width = np.sqrt(1 - omega**2)
    return 4 * np.arctan(width * np.cos(omega * t) / (omega * np.cosh(width * x)))


sine_gordon = Problem(
    name="sine_gordon",
    domain=domain,
    coefficients={"omega": 0.6},
    conditions={
        "pde": Condition(lambda u: u.tt - u.xx + jnp.sin(u.value), on=domain.interior),
        "displacement": Condition(lambda u, x, omega: u - breather(x, 0.0, omega), on=domain.start()),
        "velocity": Condition(lambda u: u.t, on=domain.start()),
        "walls": Condition(lambda u, x, t, omega: u - breather(x, t, omega), on=domain.boundary("x")),
    },
    reference=exact,
)
