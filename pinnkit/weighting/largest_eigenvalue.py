"""Weights from the largest eigenvalues of the diagonal blocks of the kernel."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._base.arguments import check_whole
from .._base.types import Params, Scalar
from ..residuals.forms import block_traces, linearize_matrix_free
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance


class LargestEigenvalueWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \lambda_{\max}(K_{kk})$: the fastest modes of all conditions get the same rate.

    - `products`: products with a block, after which the largest Ritz value is taken for the eigenvalue; no matrix is
      formed.

    The eigenvalue in place of the trace in Wang, Yu & Perdikaris, JCP 449, 2022; Lanczos' method with full
    reorthogonalisation: Golub & Van Loan, *Matrix computations*, section 10.3.
    """

    every: int = 100
    momentum: float = 0.9
    products: int = 12

    def __check_init__(self) -> None:
        check_whole(products=self.products)

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        def largest(name: str) -> Scalar:
            block = linearize_matrix_free(residuals, params, {name: batch[name]}, {name: jnp.ones(())})
            return largest_eigenvalue(lambda a: block.push(block.pull(a)), block.residual, self.products)

        return Balance({name: largest(name) for name in batch}, block_traces(residuals, params, batch))


def largest_eigenvalue(
    apply: Callable[[Float[Array, " n"]], Float[Array, " n"]], like: Float[Array, " n"], products: int
) -> Scalar:
    """The largest Ritz value of a positive semidefinite map after `products` products with it; never above λ_max."""
    cut = 100 * jnp.finfo(like.dtype).eps

    def extend(carry: tuple[Array, Array], row: Array) -> tuple[tuple[Array, Array], Array]:
        basis, vector = carry
        image = apply(vector)
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
