"""Weights from the rates at which the residuals of the conditions decay."""

import jax.numpy as jnp
import optax

from .._base.types import Params, Scalar
from ..residuals.forms import block_traces
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance
from .condition_gradient import condition_gradient


class DecayRateWeighting(AbstractBalance):
    r"""$w_k \propto 1 / \rho_k$ with $\rho_k = r_k^\top K_{kk} r_k / r_k^\top r_k$, the residual in the block's modes.

    $2 w_k \rho_k$ is the relative rate at which gradient flow on $w_k L_k$ alone reduces $L_k$. So the residuals of all
    conditions decay at the same rate, where a trace equalises the rates of what the network learns fastest. Costs one
    gradient per condition.

    The kernel of Wang, Yu & Perdikaris, JCP 449, 2022, projected on the residual; compare Chen, Howard & Stinis,
    *Self-adaptive weights based on balanced residual decay rate*, 2024, who measure that rate.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        def rate(name: str) -> Scalar:
            loss, gradient = condition_gradient(residuals, params, batch, name)
            return optax.tree_utils.tree_norm(gradient, squared=True) / (2 * loss + jnp.finfo(loss.dtype).tiny)

        return Balance({name: rate(name) for name in batch}, block_traces(residuals, params, batch))
