r"""Damped positive semidefinite systems, $(A + \lambda I) x = b$, by Cholesky factorisation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..types import Scalar

STRIPS = 4
"""Strips of rows in which a Gram matrix is computed: with 4, 5/8 of the multiply-adds of the full product."""


def lower_gram(rows: Float[Array, "m q"]) -> Float[Array, "m m"]:
    """The lower triangle of `rows @ rows.T`, for a Cholesky factorisation; the upper one is not valid."""
    m = len(rows)
    ends = [round(m * i / STRIPS) for i in range(STRIPS + 1)]
    strips = [rows[a:b] @ rows[:b].T for a, b in zip(ends[:-1], ends[1:], strict=True)]
    return jnp.concatenate([jnp.pad(strip, ((0, 0), (0, m - strip.shape[1]))) for strip in strips])


def solve_damped(lower: Float[Array, "m m"], damping: Scalar, b: Float[Array, " m"]) -> Float[Array, " m"]:
    r"""$(A + \lambda I)^{-1} b$ by Cholesky from the lower triangle of $A$; NaN where rounding makes it indefinite."""
    diagonal = jnp.arange(len(lower))
    factor = jax.lax.linalg.cholesky(lower.at[diagonal, diagonal].add(damping), symmetrize_input=False)
    return jax.scipy.linalg.cho_solve((factor, True), b)
