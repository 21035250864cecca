"""Vibrating beam, u_tt + u_xxxx = 0 on [0, π] × [0, 1], simply supported, at rest first.

u = sin x cos t + ½ sin 2x cos 4t. Timoshenko, *Vibration problems in engineering*, Van Nostrand 1928.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, initial

domain = Box(x=(0.0, np.pi), t=(0.0, 1.0))


def exact(x, t):
    return np.sin(x) * np.cos(t) + np.sin(2 * x) * np.cos(4 * t) / 2


euler_bernoulli = Problem(
    name="euler_bernoulli",
    domain=domain,
    conditions={
        "beam": Condition(lambda u: u.tt + u.xxxx, on=domain.interior),
        "initial": initial(domain, lambda x: jnp.sin(x) + jnp.sin(2 * x) / 2, velocity=0.0),
        "supports": Condition(lambda u: [u, u.xx], on=domain.boundary("x")),
    },
    reference=exact,
)
