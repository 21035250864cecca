"""Weights from a quantile of the eigenvalues of the diagonal blocks of the kernel."""

import jax
import jax.numpy as jnp
import numpy as np

from .._base.arguments import check_share, check_whole
from .._base.types import Params, Scalar
from ..ntk.jacobian import jacobian_rows
from ..residuals.forms import block_traces
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance


class QuantileWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \lambda_q(K_{kk})$, the eigenvalue at quantile `q` of the block on at most `points` points.

    A trace or a largest eigenvalue is determined by one to three modes; a quantile depends on the modes after them,
    which decide how long training takes. Eigenvalues are squared singular values of the Jacobian of the block. An
    eigenvalue below the rounding floor $(\max(n, p)\,\epsilon\,s_1)^2$ is replaced by the floor: the weight is then a
    lower bound.

    - `q`: quantile in [0, 1), linear between neighbouring eigenvalues; 0 is the smallest eigenvalue;
    - `points`: largest number of points of the block, evenly spaced in the batch.

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
            points = batch[name]
            few = np.linspace(0, len(points) - 1, min(len(points), self.points)).round().astype(int)
            part = jax.tree.map(lambda column: column[few], points)
            rows = residuals.rows(name, len(few))
            jacobian = jacobian_rows(residuals.at_point(name), params, part).reshape(rows, -1)
            sizes = jnp.linalg.svd(jacobian / jnp.sqrt(rows), compute_uv=False)
            floor = max(jacobian.shape) * jnp.finfo(sizes.dtype).eps * sizes[0]
            all_sizes = jnp.pad(sizes, (0, rows - sizes.size))  # a block of more rows than parameters is singular
            return jnp.quantile(jnp.maximum(all_sizes, floor) ** 2, self.q)

        return Balance({name: eigenvalue(name) for name in batch}, block_traces(residuals, params, batch))
