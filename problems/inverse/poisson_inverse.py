"""Unknown conductivity, −∇·(a ∇u) = f on the unit square, from 2500 values of u = sin πx sin πy, a given at the edges.

a = 1/(1 + x² + y² + (x − 1)² + (y − 1)²) is a field to be found.
Hao et al., *PINNacle: a comprehensive benchmark of PINNs*, NeurIPS 2024, with the sign of f corrected.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, dirichlet, div, grad

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))
points = domain.grid(50).T


def conductivity(x, y):
    return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)


def source(x, y):
    a, slope = conductivity(x, y), -4 * conductivity(x, y) ** 2  # ∇a = −a² (4x − 2, 4y − 2)
    s_x, s_y, c_x, c_y = jnp.sin(jnp.pi * x), jnp.sin(jnp.pi * y), jnp.cos(jnp.pi * x), jnp.cos(jnp.pi * y)
    return 2 * jnp.pi**2 * a * s_x * s_y - slope * jnp.pi * ((x - 0.5) * c_x * s_y + (y - 0.5) * s_x * c_y)


def exact(x, y):
    return {"u": np.sin(np.pi * x) * np.sin(np.pi * y), "a": conductivity(x, y)}


measured = PointSet({"x": points[0], "y": points[1]}, u_measured=exact(*points)["u"])

poisson_inverse = Problem(
    name="poisson_inverse",
    domain=domain,
    fields=("u", "a"),
    conditions={
        "pde": Condition(lambda u, a, x, y: div(a * grad(u)) + source(x, y), on=domain.interior),
        "data": Condition(lambda u, u_measured: u - u_measured, on=measured),
        "edges": dirichlet(domain.boundary(), conductivity, "a"),
    },
    reference=exact,
)
