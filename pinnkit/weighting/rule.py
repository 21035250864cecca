"""What every rule for loss weights has in common."""

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
    - `per_point`: whether each point gets a weight of its own; such weights are also renewed with the points;
    - `remembers_points`: whether the state belongs to certain points, which then must not be drawn anew.

    A state counts its updates in the attribute `updates`; all of it keeps its shapes, so that a rule runs in a compiled
    loop.
    """

    every: eqx.AbstractVar[int]
    per_point: ClassVar[bool] = False
    remembers_points: ClassVar[bool] = False

    def __check_init__(self) -> None:
        check_whole(every=self.every)

    def check(self, problem: Problem) -> None:  # noqa: B027  most rules apply to every problem
        """**Raises:** `ProblemError` for a problem to which the rule does not apply."""

    @abc.abstractmethod
    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> Any:
        """The state before the first update.

        - `weights`: those in force, which rules for points may keep for the conditions.
        """

    @abc.abstractmethod
    def update(self, residuals: ResidualFunctions, params: Params, batch: Batch, state: Any) -> tuple[Weights, Any]:
        """New weights at the current parameters, of shape `()` or, if `per_point`, `(n_k,)`; and the next state."""


def renewed(
    rule: AbstractWeighting,
    due: Bool[Array, ""],
    residuals: ResidualFunctions,
    params: Params,
    batch: Batch,
    weights: Weights,
    state: Any,
) -> tuple[Weights, Any]:
    """Weights and state after an update where one is due, as it is before the first."""
    return jax.lax.cond(
        due | (state.updates == 0),
        lambda: rule.update(residuals, params, batch, state),
        lambda: (weights, state),
    )
