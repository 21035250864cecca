"""The largest eigenvalue by the method of Lanczos."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..types import Scalar


def largest_eigenvalue(
    product: Callable[[Float[Array, " n"]], Float[Array, " n"]], like: Float[Array, " n"], products: int
) -> Scalar:
    """The largest Ritz value of a positive semidefinite operator, which is at most its largest eigenvalue.

    - `like`: a vector of the shape and dtype of those it acts on; `products`: number of products with it.

    Full reorthogonalisation: Golub & Van Loan, *Matrix computations*, section 10.3.
    """
    cut = 100 * jnp.finfo(like.dtype).eps

    def extend(carry: tuple[Array, Array], row: Array) -> tuple[tuple[Array, Array], Array]:
        basis, vector = carry
        image = product(vector)
        basis = basis.at[row].set(vector)
        rest = image
        for _ in range(2):  # twice is enough (Parlett & Kahan)
            rest = rest - basis.T @ (basis @ rest)
        norm = jnp.linalg.norm(rest)
        alive = norm > cut * jnp.linalg.norm(image)  # else the space is exhausted, and rows of zeros follow
        return (basis, jnp.where(alive, rest / norm, 0)), image

    start = jr.normal(jr.key(0), like.shape, like.dtype)
    empty = jnp.zeros((products, like.size), like.dtype)
    (basis, _), images = jax.lax.scan(extend, (empty, start / jnp.linalg.norm(start)), jnp.arange(products))
    projected = basis @ images.T
    return jnp.linalg.eigvalsh((projected + projected.T) / 2)[-1]
