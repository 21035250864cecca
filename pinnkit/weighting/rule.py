"""The interface of weightings."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
from jaxtyping import Array, Bool

from .._base.arguments import check_whole
from .._base.types import Params, Weights
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions


class AbstractWeighting(eqx.Module):
    """How much each condition, or each of its points, counts in the loss.

    - `every`: steps between two updates;
    - `per_point`: whether each point has its own weight. Such weights are also updated whenever points are redrawn;
    - `remembers_points`: whether the state belongs to particular points, which then must not be redrawn.

    A state has an attribute `updates`, the number of updates so far. Its arrays keep their shapes, since a rule runs in
    a compiled loop.
    """

    every: eqx.AbstractVar[int]
    per_point: ClassVar[bool] = False
    remembers_points: ClassVar[bool] = False

    def __check_init__(self) -> None:
        check_whole(every=self.every)

    def check(self, problem: Problem) -> None:  # noqa: B027  most rules apply to every problem
        """**Raises:** `ProblemError` for a problem to which the weighting does not apply."""

    @abc.abstractmethod
    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> Any:
        """The state before the first update.

        - `weights`: the current weights, which a rule for points may keep for the conditions.
        """

    @abc.abstractmethod
    def update(self, residuals: ResidualFunctions, params: Params, batch: Batch, state: Any) -> tuple[Weights, Any]:
        """The weights at the current parameters, of shape `()` or, if `per_point`, `(n_k,)`; and the next state."""


def renewed(
    rule: AbstractWeighting,
    due: Bool[Array, ""],
    residuals: ResidualFunctions,
    params: Params,
    batch: Batch,
    weights: Weights,
    state: Any,
) -> tuple[Weights, Any]:
    """Weights and state, updated if `due` or if there was no update yet."""
    return jax.lax.cond(
        due | (state.updates == 0),
        lambda: rule.update(residuals, params, batch, state),
        lambda: (weights, state),
    )
