"""Viscous Burgers equation, u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], u(x, 0) = −sin πx, u(±1, t) = 0.

Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.
"""

import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp

from pinnkit import Box, Condition, Problem

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))


def cole_hopf(x, t, nu):
    """The Cole-Hopf formula by Gauss-Hermite quadrature with 200 nodes, sums in logarithms.

    u = −∫ sin π(x−η) φ(η) dη / ∫ φ(η) dη, φ = exp(−cos π(x−η) / 2πν) exp(−η²/4νt), with η = √(4νt) z.
    """
    nodes, weights = np.polynomial.hermite.hermgauss(200)
    nu = np.broadcast_to(nu, np.shape(x))[:, None]
    shifted = np.asarray(x)[:, None] - np.sqrt(4 * nu * np.asarray(t)[:, None]) * nodes
    log_density = -np.cos(np.pi * shifted) / (2 * np.pi * nu) + np.log(weights)
    density = np.exp(log_density - logsumexp(log_density, axis=1, keepdims=True))
    return -np.sum(np.sin(np.pi * shifted) * density, axis=1)


burgers = Problem(
    name="burgers",
    domain=domain,
    coefficients={"nu": 0.01 / np.pi},
    conditions={
        "pde": Condition(lambda u, nu: u.t + u * u.x - nu * u.xx, on=domain.interior),
        "initial": Condition(lambda u, x: u + jnp.sin(jnp.pi * x), on=domain.start("t")),
        "walls": Condition(lambda u: u, on=domain.boundary("x")),
    },
    reference=cole_hopf,
)
