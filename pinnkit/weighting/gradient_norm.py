"""Weights from the norms of the gradients of the conditions."""

import optax

from .._base.types import Params
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance
from .condition_gradient import condition_gradient


class GradientNormWeighting(AbstractBalance):
    r"""$w_k \propto \|\nabla L_k\|^{-1}$: the gradients of all conditions get the same norm.

    Keeps the sum of the norms, $\sum_k w_k \|\nabla L_k\| = \sum_k \|\nabla L_k\|$, rather than the trace.

    Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training PINNs*, 2023.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        norms = {
            name: optax.tree_utils.tree_norm(condition_gradient(residuals, params, batch, name)[1]) for name in batch
        }
        return Balance(norms, norms)
