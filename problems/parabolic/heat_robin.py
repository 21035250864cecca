"""Heat in a rod that cools at one end, u_t = k u_xx for 0 < x < 1, u_x = 0 at x = 0, u_x + h u = 0 at x = 1.

The rod starts with the slowest mode: u = cos(μx) exp(−kμ²t) with μ tan μ = h.
Carslaw & Jaeger, *Conduction of heat in solids*, Clarendon Press 1959, § 3.9.
"""

import jax.numpy as jnp
import numpy as np
from scipy.optimize import root_scalar

from pinnkit import Box, Condition, Problem, initial, neumann, robin

domain = Box(x=(0.0, 1.0), t=(0.0, 1.0))
h = 2.0
mu = root_scalar(lambda mu: mu * np.sin(mu) - h * np.cos(mu), bracket=(0.0, np.pi / 2), xtol=1e-15).root


def exact(x, t, k):
    return np.cos(mu * x) * np.exp(-k * mu**2 * t)


heat_robin = Problem(
    name="heat_robin",
    domain=domain,
    coefficients={"k": 0.5},
    conditions={
        "pde": Condition(lambda u, k: u.t - k * u.xx, on=domain.interior),
        "initial": initial(domain, lambda x: jnp.cos(mu * x)),
        "insulated": neumann(domain.lower_face("x")),
        "cooled": robin(domain.upper_face("x"), h, 1.0),
    },
    reference=exact,
)
