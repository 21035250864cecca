"""Weights from the traces of the diagonal blocks of the kernel."""

from .._base.types import Params
from ..residuals.forms import block_traces
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance


class NTKWeighting(AbstractBalance):
    r"""$w_k \propto \mathrm{tr}\,K / \mathrm{tr}\,K_{kk}$: all conditions get the same mean rate.

    The traces are exact and computed without a Jacobian in memory.

    Wang, Yu & Perdikaris, *When and why PINNs fail to train: a neural tangent kernel perspective*, JCP 449, 2022.
    """

    every: int = 100
    momentum: float = 0.9

    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        traces = block_traces(residuals, params, batch)
        return Balance(traces, traces)
