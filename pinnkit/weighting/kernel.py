r"""Weights that balance figures of the diagonal blocks of the kernel.

The kernel is the unweighted training kernel, rows scaled by $1/\sqrt{N_k}$, and $K_{kk}$ its block of condition k. All
rules keep its trace, $\sum_k w_k \mathrm{tr}\,K_{kk} = \mathrm{tr}\,K$: they move the balance between conditions and
leave the total rate of training, hence the learning rate, alone.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import optax

from .._base.arguments import check_share, check_whole
from .._base.linalg.lanczos import largest_eigenvalue
from .._base.types import Params, Scalar
from ..ntk.jacobian import jacobian_rows, squared_gradient_norms
from ..residuals.forms import block_traces, linearize_matrix_free
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance


class NTKWeighting(AbstractBalance):
    r"""$w_k \propto \mathrm{tr}\,K / \mathrm{tr}\,K_{kk}$: the mean rates of all conditions become equal.

    The traces are exact and need no Jacobian in memory.

    Wang, Yu & Perdikaris, *When and why PINNs fail to train: a neural tangent kernel perspective*, JCP 449, 2022.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        traces = block_traces(residuals, params, batch)
        return Balance(traces, traces)


class LargestEigenvalueWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \lambda_{\max}(K_{kk})$: the fastest modes of all conditions get one rate.

    The eigenvalues are the largest Ritz values after `products` products with a block; no matrix is formed.

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


class QuantileWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \lambda_q(K_{kk})$, the eigenvalue at quantile `q` of the block on at most `points` points.

    Traces and largest eigenvalues see one to three modes; a quantile sees those that follow, which decide how long
    training takes. Eigenvalues are squared singular values of the block's Jacobian. One below
    $(\max(n, p)\,\epsilon\,s_1)^2$, which is rounding, counts as that: the weight is then a lower bound.

    - `q`: 1 for the largest eigenvalue, 0 for the smallest, linear between neighbours.

    On the spread of rates within a block: Wang, Yu & Perdikaris, JCP 449, 2022, section 4.
    """

    every: int = 100
    momentum: float = 0.9
    q: float = 0.9
    points: int = 64

    def __check_init__(self) -> None:
        check_share(q=self.q)
        check_whole(points=self.points)

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        def eigenvalue(name: str) -> Scalar:
            part = batch[name].thinned(self.points)
            rows = residuals.rows(name, len(part))
            jacobian = jacobian_rows(residuals.at_point(name), params, part).reshape(rows, -1)
            sizes = jnp.linalg.svd(jacobian / jnp.sqrt(rows), compute_uv=False)
            floor = max(jacobian.shape) * jnp.finfo(sizes.dtype).eps * sizes[0]
            all_sizes = jnp.pad(sizes, (0, rows - sizes.size))  # a block of more rows than parameters is singular
            return jnp.quantile(jnp.maximum(all_sizes, floor) ** 2, self.q)

        return Balance({name: eigenvalue(name) for name in batch}, block_traces(residuals, params, batch))


class DecayRateWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \rho_k$ with $\rho_k = r_k^\top K_{kk} r_k / r_k^\top r_k$, the residual in the block's modes.

    $2 w_k \rho_k$ is the relative rate at which gradient flow on $w_k L_k$ alone reduces $L_k$: what is left of each
    condition, rather than what the network can learn fastest, comes down at one rate. Costs one gradient a condition.

    The kernel of Wang, Yu & Perdikaris, JCP 449, 2022, projected on the residual; compare Chen, Howard & Stinis,
    *Self-adaptive weights based on balanced residual decay rate*, 2024, who measure that rate.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        def rate(name: str) -> Scalar:
            loss, gradient = _condition_gradient(residuals, params, batch, name)
            return optax.tree_utils.tree_norm(gradient, squared=True) / (2 * loss + jnp.finfo(loss.dtype).tiny)

        return Balance({name: rate(name) for name in batch}, block_traces(residuals, params, batch))


class GradientNormWeighting(AbstractBalance):
    r"""$w_k \propto \|\nabla L_k\|^{-1}$: the gradients of all conditions get one length.

    Keeps the sum of the lengths, $\sum_k w_k \|\nabla L_k\| = \sum_k \|\nabla L_k\|$, rather than the trace.

    Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training PINNs*, 2023.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        norms = {
            name: optax.tree_utils.tree_norm(_condition_gradient(residuals, params, batch, name)[1]) for name in batch
        }
        return Balance(norms, norms)


class PointwiseNTKWeighting(AbstractBalance):
    r"""$w_i \propto 1 / K_{ii}$ for each point: every point has the same part in the trace of the kernel.

    $K_{ii}$ is the mean over the equations at a point. The conditions have equal parts too, as with `NTKWeighting`.

    - `momentum`: of use only where points are never drawn anew, since the mean is over what stands at one index.

    The points' form of Wang, Yu & Perdikaris, JCP 449, 2022.
    """

    every: int = 100
    momentum: float = 0.0
    per_point: ClassVar[bool] = True

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        diagonals = {
            name: squared_gradient_norms(residuals.at_point(name), params, points) / residuals.rows(name, 1)
            for name, points in batch.items()
        }
        return Balance(diagonals, diagonals)


def _condition_gradient(residuals: ResidualFunctions, params: Params, batch: Batch, name: str) -> tuple[Scalar, Params]:
    """The loss of one condition, ½ of its mean square, and its gradient."""
    loss = lambda params: residuals.loss(params, {name: batch[name]}, {name: jnp.ones(())})[0]
    return jax.value_and_grad(loss)(params)
