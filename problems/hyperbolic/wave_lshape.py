"""Membrane in the shape of an L, u_tt = c² Δu on [−1, 1]² less [0, 1] × [−1, 0] for 0 < t < 1, c = 1, fixed at the rim.

At rest at the start, in a sum of two of the modes that are smooth at the re-entrant corner, sin mπx sin nπy:
u = sin πx sin πy cos √2 cπt + ½ sin 2πx sin πy cos √5 cπt.
Fox, Henrici & Moler, *Approximations and bounds for eigenvalues of elliptic operators*, SIAM J. Numer. Anal. 4, 1967.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, initial, laplacian

membrane = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Box(x=(0.0, 1.0), y=(-1.0, 0.0))
domain = membrane.over(t=(0.0, 1.0))


def deflection(x, y):
    """u when time begins."""
    return (jnp.sin(jnp.pi * x) + jnp.sin(2 * jnp.pi * x) / 2) * jnp.sin(jnp.pi * y)


def exact(x, y, t, c):
    slow = np.sin(np.pi * x) * np.cos(np.sqrt(2) * c * np.pi * t)
    fast = np.sin(2 * np.pi * x) * np.cos(np.sqrt(5) * c * np.pi * t)
    return (slow + fast / 2) * np.sin(np.pi * y)


wave_lshape = Problem(
    name="wave_lshape",
    domain=domain,
    coefficients={"c": 1.0},
    conditions={
        "pde": Condition(lambda u, c: u.tt - c**2 * laplacian(u), on=domain.interior),
        "initial": initial(domain, deflection, velocity=0.0),
        "rim": dirichlet(domain.boundary()),
    },
    reference=exact,
)
