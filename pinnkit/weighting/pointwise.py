"""Weights of points from the diagonal of the kernel."""

from typing import ClassVar

from .._base.types import Params
from ..ntk.jacobian import squared_gradient_norms
from ..residuals.functions import Batch, ResidualFunctions
from .balance import AbstractBalance, Balance


class PointwiseNTKWeighting(AbstractBalance):
    r"""$w_i \propto 1 / K_{ii}$ for each point: every point contributes equally to the trace of the kernel.

    $K_{ii}$ is the mean over the equations at a point. The conditions contribute equally too, as with `NTKWeighting`.

    - `momentum`: useful only if points are never redrawn, since the average is taken over successive batches, index by
      index.

    The pointwise form of Wang, Yu & Perdikaris, JCP 449, 2022.
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
