"""Randomised low-rank approximation of a positive semidefinite operator."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..types import Scalar
from .conjugate_gradients import Product
from .eigenpairs import AnyArray, descending


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
    key = jr.wrap_key_data(jax.lax.optimization_barrier(jr.key_data(jr.key(seed))))  # or it is drawn while compiling
    probes, _ = jnp.linalg.qr(jr.normal(key, (size, rank), dtype))
    image = product(probes)
    shift = jnp.sqrt(size) * jnp.finfo(dtype).eps * jnp.linalg.norm(image) + jnp.finfo(dtype).tiny
    values, vectors = nystrom_pairs(probes, image, descending(probes.T @ image), shift)
    return Nystrom(vectors, jnp.maximum(values, 0.0))


def nystrom_pairs(
    probes: Float[AnyArray, "m k"], image: Float[AnyArray, "m k"], core: tuple[AnyArray, AnyArray], shift: Any
) -> tuple[Float[AnyArray, " k"], Float[AnyArray, "m k"]]:
    r"""Eigenpairs of $Y (\Omega^\top Y)^{-1} Y^\top - \nu I$ with $Y = (A + \nu I) \Omega$, for NumPy and JAX arrays.

    - `probes`: $\Omega$, with orthonormal columns; `image`: $A \Omega$;
    - `core`: eigenvalues and eigenvectors of $\Omega^\top A \Omega$; `shift`: $\nu$.

    The inverse root of $\Omega^\top Y$ is taken by eigenvectors rather than by Cholesky's
    method, which fails if the rounding of Y is larger than ν.
    """
    values, modes = core
    xp = image.__array_namespace__()
    roots = (image + shift * probes) @ (modes / xp.sqrt(xp.where(values + shift > 0, values + shift, xp.inf)))
    vectors, sizes, _ = xp.linalg.svd(roots, full_matrices=False)
    return sizes**2 - shift, vectors
