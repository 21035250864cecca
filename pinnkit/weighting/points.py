"""Weights of points within their conditions."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._base.arguments import check_share
from .._base.errors import InputError, InputTypeError
from .._base.types import Params, Weights
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import mean_weights
from .rule import AbstractWeighting, renewed


class PointState(eqx.Module):
    """- `conditions`: the weight of each condition; `base_state`: the state of the rule they come from;
    - `memory`: what the rule for points remembers of each condition; `updates`: how many there were.
    """

    conditions: Weights
    base_state: Any
    memory: dict[str, Array]
    updates: Int[Array, ""]


class AbstractPointWeighting(AbstractWeighting):
    r"""$w_i = w_k\,v_i / \bar v$: the weight of a condition, shared out among its points by their importance $v_i$.

    The mean over the points is the weight of the condition, from the rule `base`, which is renewed every `base.every`
    updates. Without one the conditions keep the weights they had.
    """

    base: eqx.AbstractVar[AbstractWeighting | None]
    per_point: ClassVar[bool] = True

    @abc.abstractmethod
    def first_memory(self, residuals: ResidualFunctions, batch: Batch) -> dict[str, Array]:
        """What there is to remember of each condition before the first update."""

    @abc.abstractmethod
    def importance(
        self, residuals: ResidualFunctions, batch: Batch, squares: dict[str, Float[Array, " n_k"]], memory: Any
    ) -> tuple[dict[str, Float[Array, " n_k"]], dict[str, Array]]:
        """The importance of each point, and the next memory, from the mean square residuals at the points."""

    def __check_init__(self) -> None:
        if self.base is not None and not isinstance(self.base, AbstractWeighting):
            raise InputTypeError(f"the base of {type(self).__name__} is a rule for weights or None, got {self.base!r}")
        if self.base is not None and self.base.per_point:
            raise InputError(
                f"the base of {type(self).__name__} weighs conditions; {type(self.base).__name__} weighs points"
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


class ResidualAttentionWeighting(AbstractPointWeighting):
    r"""Residual-based attention, $v_i = \alpha_i^2$.

    At each update $\alpha_i \leftarrow \gamma \alpha_i + (1-\gamma)\,|r_i| / \max_j |r_j|$, from 0, with the root mean
    square $|r_i|$ over the equations at a point. The rate of the paper, here $1-\gamma$, cancels in the importance.

    Attention belongs to a point, not to a place in the batch: points must not be drawn anew, and a `Strategy` whose
    sampler does so is refused.

    - `base`: the rule for the conditions; None keeps their weights.

    Anagnostopoulos, Toscano, Stergiopulos & Karniadakis, *Residual-based attention in physics-informed neural
    networks*, CMAME 421, 2024.
    """

    base: AbstractWeighting | None = None
    gamma: float = 0.999
    every: int = 1

    def __check_init__(self) -> None:
        check_share(gamma=self.gamma)

    remembers_points: ClassVar[bool] = True

    def first_memory(self, residuals: ResidualFunctions, batch: Batch) -> dict[str, Array]:
        return {name: jnp.zeros(len(points)) for name, points in batch.items()}

    def importance(
        self, residuals: ResidualFunctions, batch: Batch, squares: dict[str, Float[Array, " n_k"]], memory: Any
    ) -> tuple[dict[str, Float[Array, " n_k"]], dict[str, Array]]:
        def attention(name: str) -> Float[Array, " n_k"]:
            size = jnp.sqrt(squares[name])
            share = size / (jnp.max(size) + jnp.finfo(size.dtype).tiny)
            return self.gamma * memory[name] + (1 - self.gamma) * share

        alpha = {name: attention(name) for name in batch}
        return jax.tree.map(lambda a: a**2 + jnp.finfo(a.dtype).tiny, alpha), alpha
