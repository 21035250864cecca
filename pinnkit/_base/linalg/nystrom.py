"""Randomised low-rank approximation of a positive semidefinite operator."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..types import Scalar
from .conjugate_gradients import Product


class Nystrom(NamedTuple):
    r"""$A \approx U \Lambda U^\top$: leading `vectors` $U$ of shape `(m, k)` and `values` $\Lambda$, descending."""

    vectors: Float[Array, "m k"]
    values: Float[Array, " k"]

    def precondition(self, damping: Scalar, v: Float[Array, " m"]) -> Float[Array, " m"]:
        r"""$P^{-1} v$ with $P = U \frac{\Lambda + \lambda I}{\lambda_k + \lambda} U^\top + I - U U^\top$."""
        coefficients = self.vectors.T @ v
        scaled = (self.values[-1] + damping) / (self.values + damping) * coefficients
        return v + self.vectors @ (scaled - coefficients)


def nystrom(product: Product, size: int, rank: int, dtype: Any, seed: int = 0) -> Nystrom:
    r"""The Nyström approximation of $A$ from its product with `rank` random vectors.

    - `product`: $V \mapsto A V$ on matrices of shape `(size, k)`.

    Frangella, Tropp & Udell, *Randomized Nyström preconditioning*, SIAM J. Matrix Anal. Appl. 44, 2023, algorithm 2.1.
    """
    key = jr.wrap_key_data(jax.lax.optimization_barrier(jr.key_data(jr.key(seed))))  # or the compiler draws: slowly
    probes, _ = jnp.linalg.qr(jr.normal(key, (size, rank), dtype))
    image = product(probes)
    shift = jnp.sqrt(size) * jnp.finfo(dtype).eps * jnp.linalg.norm(image) + jnp.finfo(dtype).tiny
    image = image + shift * probes
    inner = probes.T @ image
    factor = jnp.linalg.cholesky(inner)
    vectors, singular, _ = jnp.linalg.svd(
        jax.scipy.linalg.solve_triangular(factor, image.T, lower=True).T, full_matrices=False
    )
    return Nystrom(vectors, jnp.maximum(singular**2 - shift, 0.0))
