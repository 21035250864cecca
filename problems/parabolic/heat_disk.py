"""Heat equation on a disk, u_t = k Δu + f for r < 1 and 0 < t < 1 with k = ½, u = 0 on the circle.

Manufactured: u = e^(−t) (1 − r²) cos x.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Disk, Problem, dirichlet, initial, laplacian

domain = Disk(radius=1.0).over(t=(0.0, 1.0))


def source(x, y, t, k):
    """f = u_t − k Δu."""
    shape = (1 - x**2 - y**2) * jnp.cos(x)
    return jnp.exp(-t) * (k * (4 * jnp.cos(x) - 4 * x * jnp.sin(x) + shape) - shape)


def exact(x, y, t):
    return np.exp(-t) * (1 - x**2 - y**2) * np.cos(x)


heat_disk = Problem(
    name="heat_disk",
    domain=domain,
    coefficients={"k": 0.5},
    conditions={
        "pde": Condition(lambda u, x, y, t, k: u.t - k * laplacian(u) - source(x, y, t, k), on=domain.interior),
        "initial": initial(domain, lambda x, y: (1 - x**2 - y**2) * jnp.cos(x)),
        "rim": dirichlet(domain.boundary("circle")),
    },
    reference=exact,
)
