r"""Damped positive semidefinite systems, $(A + \lambda I) x = b$, by Cholesky factorisation."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..devices import exchanged, joined_rows, shards, sum_shards
from ..types import Scalar

STRIPS = 4
"""Strips of rows in which a Gram matrix is computed: with 4, 5/8 of the multiply-adds of the full product."""


def lower_gram(rows: Float[Array, "m q"]) -> Float[Array, "m m"]:
    """The lower triangle of `rows @ rows.T`, for a Cholesky factorisation; the upper one is not valid."""
    m = len(rows)
    ends = [round(m * i / STRIPS) for i in range(STRIPS + 1)]
    strips = [rows[a:b] @ rows[:b].T for a, b in zip(ends[:-1], ends[1:], strict=True)]
    return jnp.concatenate([jnp.pad(strip, ((0, 0), (0, m - strip.shape[1]))) for strip in strips])


def lower_normal(blocks: Sequence[Float[Array, "_ p"]]) -> Float[Array, "p p"]:
    """The lower triangle of AᵀA, for A with these blocks of rows: each device sums over its own, p² numbers move."""
    # A matrix product is fastest with the long axis last in both factors, transposition included.
    gram = lambda rows, own: lower_gram(jax.lax.optimization_barrier(rows.T))
    return sum_shards(gram, joined_rows(blocks))


def lower_kernel(blocks: Sequence[Float[Array, "_ p"]]) -> Float[Array, "n n"]:
    """The lower triangle of AAᵀ, for A with these blocks of rows.

    Rows on several devices are exchanged for columns, so that each device multiplies all rows of its columns: of A
    every number moves once, and of the kernel n².
    """
    d = shards()
    if d == 1:
        return lower_gram(jnp.concatenate(list(blocks)))
    shares = [-(-len(block) // d) for block in blocks]
    firsts, device = np.cumsum([0, *shares]), np.arange(d)[:, None]
    places = [device * firsts[-1] + first + np.arange(n) for first, n in zip(firsts[:-1], shares, strict=True)]
    order = np.concatenate([place.ravel()[: len(block)] for place, block in zip(places, blocks, strict=True)])
    gram = lambda columns, own: lower_gram(columns.T[order])
    return sum_shards(gram, exchanged(joined_rows(blocks)))


def solve_damped(lower: Float[Array, "m m"], damping: Scalar, b: Float[Array, " m"]) -> Float[Array, " m"]:
    r"""$(A + \lambda I)^{-1} b$ by Cholesky from the lower triangle of $A$; NaN where rounding makes it indefinite."""
    diagonal = jnp.arange(len(lower))
    factor = jax.lax.linalg.cholesky(lower.at[diagonal, diagonal].add(damping), symmetrize_input=False)
    return jax.scipy.linalg.cho_solve((factor, True), b)
