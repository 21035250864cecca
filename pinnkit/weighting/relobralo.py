"""Relative loss balancing with random lookback."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from .._base.arguments import check_positive, check_share, check_whole, is_number
from .._base.errors import InputError
from .._base.types import Params, Weights
from ..residuals.functions import Batch, ResidualFunctions
from .rule import AbstractWeighting


class RelativeState(eqx.Module):
    """- `first`, `last`: mean squared residuals at the first and at the last update, in the order of sorted names;
    - `weights`: those of the last update; `updates`: the number of updates so far.
    """

    first: Float[Array, " m"]
    last: Float[Array, " m"]
    weights: Float[Array, " m"]
    updates: Int[Array, ""]


class ReLoBRaLoWeighting(AbstractWeighting):
    r"""Relative loss balancing with random lookback.

    $w(t) = \alpha\,[\rho\,w(t-1) + (1-\rho)\,\hat w(t, 0)] + (1-\alpha)\,\hat w(t, t-1)$ with
    $\hat w_k(t, t') = m\,\mathrm{softmax}_k(L_k(t) / (T L_k(t')))$ for m conditions, and $\rho$ 1 or 0 at random. The
    weights sum to m. The loss that has decreased least gets the largest weight; the kernel is not used.

    - `alpha`: α, the weight of the past; `temperature`: T; `memory`: the probability of $\rho = 1$;
    - `seed`: seed of the random lookback.

    Bischof & Kraus, *Multi-objective loss balancing for physics-informed deep learning*, 2021.
    """

    every: int = 1
    alpha: float = 0.999
    temperature: float = 0.1
    memory: float = 0.999
    seed: int = 0

    def __check_init__(self) -> None:
        check_share(alpha=self.alpha)
        check_positive(temperature=self.temperature)
        check_whole(0, seed=self.seed)
        if not is_number(self.memory) or not 0 <= self.memory <= 1:
            raise InputError(f"`memory` must be a probability, got {self.memory!r}")

    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> RelativeState:
        ones = jnp.ones(len(batch))
        return RelativeState(ones, ones, ones, jnp.asarray(0))

    def update(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: RelativeState
    ) -> tuple[Weights, RelativeState]:
        squares = {name: jnp.mean(r**2) for name, r in residuals(params, batch).items()}
        names, losses = sorted(squares), jnp.stack([squares[name] for name in sorted(squares)])
        is_first = state.updates == 0
        first, last = (jnp.where(is_first, losses, since) for since in (state.first, state.last))
        remembers = jr.bernoulli(jr.fold_in(jr.key(self.seed), state.updates), self.memory)
        past = jnp.where(remembers, state.weights, self._balanced(losses, first))
        weights = self.alpha * past + (1 - self.alpha) * self._balanced(losses, last)
        state = RelativeState(first, losses, weights, state.updates + 1)
        return dict(zip(names, weights, strict=True)), state

    def _balanced(self, losses: Float[Array, " m"], since: Float[Array, " m"]) -> Float[Array, " m"]:
        ratios = losses / (since + jnp.finfo(since.dtype).tiny)
        return len(losses) * jax.nn.softmax(ratios / self.temperature)
