"""Darcy flow, −∇·(a ∇u) = f on the unit square, u = 0 at its edges, through a permeability a that varies 80-fold.

log a = Σ c cos mπx cos nπy, six terms with fixed c, as in a draw of a log-normal field; f = sin πx sin πy.

Reference: Chebyshev collocation of degree 48, to 1e-12; that of degree 40 differs by 5e-11.

Li et al., *Fourier neural operator for parametric partial differential equations*, ICLR 2021.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, div, grad
from pinnkit.problems._references.cache import on_disk
from pinnkit.problems._references.chebyshev import Values, derivative, nodes

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))
WAVES = ((1.1, 1, 0), (-1.0, 0, 1), (0.9, 1, 1), (0.7, 2, 1), (-0.6, 1, 3), (0.6, 3, 2))


def permeability(x, y, np=jnp):
    return np.exp(sum(c * np.cos(m * np.pi * x) * np.cos(n * np.pi * y) for c, m, n in WAVES))


def source(x, y, np=jnp):
    return np.sin(np.pi * x) * np.sin(np.pi * y)


@on_disk(Values)
def pressure(n: int = 48) -> Any:
    """At the nodes: D (a D u) with respect to x and y, summed, is −f inside."""
    d, one, inside = derivative(n), np.eye(n + 1), slice(1, -1)
    x, y = np.meshgrid(nodes(n), nodes(n), indexing="ij")
    a, f = permeability(x, y, np), source(x, y, np)
    along_x = np.einsum("ik,kj,kl->ijl", d, a, d)[inside, inside, inside]
    along_y = np.einsum("jk,ik,kl->ijl", d, a, d)[inside, inside, inside]
    eye = one[inside, inside]
    matrix = np.einsum("ijk,jl->ijkl", along_x, eye) + np.einsum("ijl,ik->ijkl", along_y, eye)
    size = (n - 1) ** 2
    u = np.linalg.solve(matrix.reshape(size, size), -f[inside, inside].ravel())
    return {"values": np.pad(u.reshape(n - 1, n - 1), 1)}


def reference(x, y):
    return pressure()(x, y)


darcy = Problem(
    name="darcy",
    domain=domain,
    conditions={
        "flow": Condition(lambda u, x, y: div(permeability(x, y) * grad(u)) + source(x, y), on=domain.interior),
        "edges": dirichlet(domain.boundary(), 0.0),
    },
    reference=reference,
)
