"""Poisson equation for a family of conductivities, −∇·(κ ∇u) = f on [0, 1]², κ = 1 + (k − 1) x, 1 ≤ k ≤ 10,
u = 0 on the boundary.

Manufactured: u = sin πx sin πy / κ, a function of k too; the network takes k as an input.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, div, grad

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0)).over(parameters={"k": (1.0, 10.0)})


def conductivity(x, k):
    return 1 + (k - 1) * x


def source(x, y, k):
    """f = −∇·(κ ∇(s/κ)) = −Δs + (k − 1) ∂(s/κ)/∂x with s = sin πx sin πy."""
    s, slope = jnp.sin(jnp.pi * x) * jnp.sin(jnp.pi * y), jnp.pi * jnp.cos(jnp.pi * x) * jnp.sin(jnp.pi * y)
    kappa = conductivity(x, k)
    return 2 * jnp.pi**2 * s + (k - 1) * (slope / kappa - (k - 1) * s / kappa**2)


def exact(x, y, k):
    return np.sin(np.pi * x) * np.sin(np.pi * y) / conductivity(x, k)


poisson_parametric = Problem(
    name="poisson_parametric",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, x, y, k: div(conductivity(x, k) * grad(u)) + source(x, y, k), on=domain.interior),
        "walls": dirichlet(domain.boundary()),
    },
    reference=exact,
)
