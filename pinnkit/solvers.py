r"""Linear algebra for $(A + \lambda I) x = b$ with a positive semidefinite $A$: by Cholesky, or by products alone."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ._types import Scalar

STRIPS = 4
"""Strips of rows in which a Gram matrix is computed: with 4, 5/8 of the multiply-adds of the full product."""

Product = Callable[[Float[Array, "m k"]], Float[Array, "m k"]]


def lower_gram(rows: Float[Array, "m q"]) -> Float[Array, "m m"]:
    """The lower triangle of `rows @ rows.T`, as a Cholesky factorisation reads it; the rest is not to be read."""
    m = len(rows)
    ends = [round(m * i / STRIPS) for i in range(STRIPS + 1)]
    strips = [rows[a:b] @ rows[:b].T for a, b in zip(ends[:-1], ends[1:], strict=True)]
    return jnp.concatenate([jnp.pad(strip, ((0, 0), (0, m - strip.shape[1]))) for strip in strips])


def solve_damped(lower: Float[Array, "m m"], damping: Scalar, b: Float[Array, " m"]) -> Float[Array, " m"]:
    r"""$(A + \lambda I)^{-1} b$ by Cholesky from the lower triangle of $A$; NaN where rounding makes it indefinite."""
    diagonal = jnp.arange(len(lower))
    factor = jax.lax.linalg.cholesky(lower.at[diagonal, diagonal].add(damping), symmetrize_input=False)
    return jax.scipy.linalg.cho_solve((factor, True), b)


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


class Solved(NamedTuple):
    """The solution, and how many iterations it took."""

    value: Float[Array, " m"]
    iterations: Array


def conjugate_gradients(
    product: Callable[[Array], Array],
    b: Float[Array, " m"],
    precondition: Callable[[Array], Array],
    tolerance: Scalar | float,
    iterations: int,
) -> Solved:
    r"""Preconditioned conjugate gradients from zero until $\|b - A x\| \le$ `tolerance` $\|b\|$."""
    bound = tolerance * jnp.linalg.norm(b)
    z = precondition(b)

    def unfinished(carry: tuple) -> Array:
        _, r, _, _, count = carry
        return (jnp.linalg.norm(r) > bound) & (count < iterations)

    def iterate(carry: tuple) -> tuple:
        x, r, d, rz, count = carry
        Ad = product(d)
        step = rz / jnp.vdot(d, Ad)
        r = r - step * Ad
        z = precondition(r)
        following = jnp.vdot(r, z)
        return x + step * d, r, z + following / rz * d, following, count + 1

    start = jnp.zeros_like(b), b, z, jnp.vdot(b, z), jnp.asarray(0)
    x, _, _, _, count = jax.lax.while_loop(unfinished, iterate, start)
    return Solved(x, count)
