"""Values of expressions of a solution's fields at points."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Bool

from .._base.precision import full_precision
from .._base.types import Params
from ..equations.expression import Expression, traced_expression
from ..equations.linear_part import SplitEquation
from ..geometry.points import Points
from ..geometry.region import AbstractRegion
from ..residuals.functions import ResidualFunctions

Inside: TypeAlias = dict[str, Bool[np.ndarray, " n"]]
"""Which points lie in the domain of each field that has one of its own."""

BLOCK = 4096
"""Number of points whose derivatives are computed together."""


class Expressions:
    """Functions in the names of a problem, as functions of points.

    Functions with the same trace share one compiled program.
    """

    def __init__(self, residuals: ResidualFunctions):
        self._residuals = residuals
        self._compiled: dict[str, Callable[[Params, Points, Inside], jax.Array]] = {}

    def __call__(
        self, function: Any, params: Params, points: Points, where: str, region: AbstractRegion | None = None
    ) -> np.ndarray:
        """The values of an expression at points, of shape `(n, *shape)`; fields are NaN outside their domains.

        - `where`: names the expression in errors; `region`: whose normals and data columns the points have.

        **Raises:** `ProblemError` or `InputTypeError` for an invalid expression.
        """
        problem = self._residuals.problem
        with jax.enable_x64(True), full_precision():
            frame = problem.frame(region)
            expression = traced_expression(function, frame, f"{where} of problem '{problem.name}'")
            if not len(points):
                return np.empty((0, *expression.shape))
            values = np.asarray(self._program(expression)(params, points, self._inside(points)))
        return values.reshape(len(points), *expression.shape)

    def _inside(self, points: Points) -> Inside:
        domains, x = self._residuals.problem.field_domains, np.asarray(points.coordinates)
        own = [name for name, domain in domains.own.items() if domain is not domains.whole]
        return {name: domains.contains(name, x) for name in own}

    def _program(self, expression: Expression) -> Callable[[Params, Points, Inside], jax.Array]:
        key = expression.equation.text
        if key not in self._compiled:
            value = self._residuals.value_of(SplitEquation(expression.equation))
            at_points = lambda params, *points: jax.lax.map(lambda p: value(params, *p), points, batch_size=BLOCK)
            self._compiled[key] = jax.jit(at_points)
        return self._compiled[key]
