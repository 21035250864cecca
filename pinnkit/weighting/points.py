"""The interface of weightings of points within their conditions."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._base.errors import InputError, InputTypeError
from .._base.types import Params, Weights
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import mean_weights
from .rule import AbstractWeighting, renewed


class PointState(eqx.Module):
    """- `conditions`: the weight of each condition; `base_state`: the state of the rule that they come from;
    - `memory`: the state of the rule for points, by condition; `updates`: the number of updates so far.
    """

    conditions: Weights
    base_state: Any
    memory: dict[str, Array]
    updates: Int[Array, ""]


class AbstractPointWeighting(AbstractWeighting):
    r"""$w_i = w_k\,v_i / \bar v$: the weight of a condition, distributed over its points by their importance $v_i$.

    The mean over the points is the weight of the condition. It comes from the rule `base`, which is updated every
    `base.every` updates; without one, the conditions keep their weights.
    """

    base: eqx.AbstractVar[AbstractWeighting | None]
    per_point: ClassVar[bool] = True

    @abc.abstractmethod
    def first_memory(self, residuals: ResidualFunctions, batch: Batch) -> dict[str, Array]:
        """The memory of each condition before the first update."""

    @abc.abstractmethod
    def importance(
        self, residuals: ResidualFunctions, batch: Batch, squares: dict[str, Float[Array, " n_k"]], memory: Any
    ) -> tuple[dict[str, Float[Array, " n_k"]], dict[str, Array]]:
        """The importance of each point, and the next memory.

        - `squares`: the squared residual at each point, averaged over the equations.
        """

    def __check_init__(self) -> None:
        if self.base is not None and not isinstance(self.base, AbstractWeighting):
            raise InputTypeError(f"the base of {type(self).__name__} must be a weighting or None, got {self.base!r}")
        if self.base is not None and self.base.per_point:
            raise InputError(
                f"the base of {type(self).__name__} must weight conditions; {type(self.base).__name__} weights points"
            )

    def check(self, problem: Problem) -> None:
        if self.base is not None:
            self.base.check(problem)

    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> PointState:
        conditions = mean_weights(weights)
        base_state = () if self.base is None else self.base.init(residuals, batch, conditions)
        return PointState(conditions, base_state, self.first_memory(residuals, batch), jnp.asarray(0))

    def update(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: PointState
    ) -> tuple[Weights, PointState]:
        conditions, base_state = state.conditions, state.base_state
        if self.base is not None:
            due = state.updates % self.base.every == 0
            conditions, base_state = renewed(self.base, due, residuals, params, batch, conditions, base_state)
        squares = {
            name: jnp.mean(r.reshape(len(batch[name]), -1) ** 2, axis=1) for name, r in residuals(params, batch).items()
        }
        importance, memory = self.importance(residuals, batch, squares, state.memory)
        weights = {name: conditions[name] * v / jnp.mean(v) for name, v in importance.items()}
        return weights, PointState(conditions, base_state, memory, state.updates + 1)
