r"""Continuation in the size of the highest derivatives, for nonlinear equations that cannot be solved from zero.

Far from a solution Gauss-Newton steps often end in a local minimum of the loss. In the residuals

$$r_\mu(u) = r(x, u, \nabla u, \dots, \mu\, \partial^m u), \qquad \mu \ge 1,$$

in which the highest derivatives inside the domain are multiplied by μ, these dominate if μ is large: diffusion over
reaction, viscosity over inertia. The first μ = 1, 10, 100, ... for which steps from zero solve the equations is
reduced to 1, each solution being the start for the next. A factor that was too large is replaced by its square root.

Allgower & Georg, *Introduction to Numerical Continuation Methods*, SIAM 2003.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from ..._base.compilation import Stopwatch
from ..._base.types import Params
from ...residuals.functions import Batch
from .output_layer import OutputLayer, weighted_loss
from .variable_projection import VariableProjection

LARGEST, GROWTH = 1e6, 10.0
"""The largest μ, and the factor between those that are tried from zero; also the largest by which μ is reduced."""

FIRST, LEAST = 10.0**0.5, 1.05
"""The factor by which μ is reduced at first, and the least one."""

FROM_ZERO, NEXT = 1e-6, 1e-2
"""Shares of their first loss that solves from zero, and from the solution for a larger μ, must leave to count."""

MOST_STEPS = 12


class Continuation:
    """Solves one problem for smaller and smaller μ.

    - `weights`: of the conditions; `is_over`: whether there is no time for a step that takes a number of seconds.
    """

    def __init__(
        self,
        layer: OutputLayer,
        projection: VariableProjection,
        batch: Batch,
        weights: Mapping[str, float],
        is_over: Callable[[float], bool],
    ):
        self._layer, self._projection, self._batch = layer, projection, batch
        self._weights, self._is_over, self._seconds = weights, is_over, 0.0

    def run(self, zero: Params) -> Params:
        """The solution for the smallest μ that was reached, from parameters with an output layer of zero."""
        emphasis = 1.0
        found, share = self._solved(zero, emphasis)
        while share > FROM_ZERO and emphasis < LARGEST and not self._is_over(self._seconds):
            emphasis *= GROWTH
            found, share = self._solved(zero, emphasis)
        if share > FROM_ZERO:
            return zero
        factor = FIRST
        while emphasis > 1 and factor > LEAST and not self._is_over(self._seconds):
            following = max(emphasis / factor, 1.0)
            params, share = self._solved(found, following)
            if share > NEXT:
                factor = factor**0.5
            else:
                found, emphasis, factor = params, following, min(factor**2, GROWTH)
        return found

    def _solved(self, params: Params, emphasis: float) -> tuple[Params, float]:
        """The parameters after steps for one μ, and the loss that they leave, as a share of the first."""
        watch = Stopwatch()
        loss = self._loss(params, emphasis)
        steps = functools.partial(self._projection.steps, self._layer, params, self._batch, self._weights)
        taken = list(steps(most=MOST_STEPS, is_over=self._is_over, emphasis=emphasis))
        found = taken[-1][0] if taken else params
        self._seconds = watch.own
        return found, self._loss(found, emphasis) / loss if loss > 0 else 0.0

    def _loss(self, params: Params, emphasis: float) -> float:
        residual = self._layer.shifted(params, self._batch, emphasis)
        return weighted_loss(residual.values(np.zeros(self._layer.size)), self._weights)
