"""Wave equation, u_tt = c² u_xx on [0, 1]² with c = 2, at rest at the start, fixed at the walls.

u(x, 0) = sin πx + ½ sin 4πx. Wang, Yu & Perdikaris, *When and why PINNs fail to train*, JCP 449, 2022.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem

domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))


def exact(x, t, c):
    slow = np.sin(np.pi * x) * np.cos(c * np.pi * t)
    fast = np.sin(4 * np.pi * x) * np.cos(4 * c * np.pi * t)
    return slow + 0.5 * fast


wave_1d = Problem(
    name="wave_1d",
    domain=domain,
    coefficients={"c": 2.0},
    conditions={
        "pde": Condition(lambda u, c: u.tt - c**2 * u.xx, on=domain.interior),
        "displacement": Condition(
            lambda u, x: u - jnp.sin(jnp.pi * x) - 0.5 * jnp.sin(4 * jnp.pi * x), on=domain.start("t")
        ),
        "velocity": Condition(lambda u: u.t, on=domain.start("t")),
        "walls": Condition(lambda u: u, on=domain.boundary("x")),
    },
    reference=exact,
)
