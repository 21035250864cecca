"""Weights from the largest eigenvalues of the diagonal blocks of the kernel."""

import jax.numpy as jnp

from .._base.arguments import check_whole
from .._base.linalg.lanczos import largest_eigenvalue
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
