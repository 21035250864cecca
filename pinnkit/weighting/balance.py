"""The interface of weightings that balance a size of each condition."""

import abc
from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._base.arguments import check_share
from .._base.types import Params, Weights
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import mean_weights
from .rule import AbstractWeighting

Sizes: TypeAlias = dict[str, Float[Array, "..."]]
"""A positive number for each condition, or for each of its points."""


class Balance(NamedTuple):
    r"""- `sizes`: $s_k$, which the weights make equal;
    - `kept`: $m_k$, whose weighted sum the weights leave unchanged, $\sum_k \overline{w_k m_k} = \sum_k \overline{m_k}$.
    """

    sizes: Sizes
    kept: Sizes


class BalanceState(eqx.Module):
    """- `mean_log`: exponential moving average of the logarithms of the raw weights, starting from zero;
    - `updates`: the number of updates so far.
    """

    mean_log: Sizes
    updates: Int[Array, ""]


class AbstractBalance(AbstractWeighting):
    r"""Weights inversely proportional to a positive size of each condition, or of each point.

    With sizes $s_k$ the raw weights are $w_k = \bar{s} / s_k$. They are averaged in log space with `momentum` and bias
    correction, and normalised by `normalise`.

    Rules of this kind that use the kernel take the unweighted training kernel K, rows scaled by $1/\sqrt{N_k}$, with
    the diagonal block $K_{kk}$ of condition k. They keep its trace, $\sum_k w_k \mathrm{tr}\,K_{kk} = \mathrm{tr}\,K$:
    they change the balance between conditions, but not the total rate of training, hence not the learning rate.
    """

    momentum: eqx.AbstractVar[float]

    def __check_init__(self) -> None:
        check_share(momentum=self.momentum)

    @abc.abstractmethod
    def balance(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> Balance:
        """The sizes to balance, and the sizes whose weighted sum is kept; see `Balance`."""

    def init(self, residuals: ResidualFunctions, batch: Batch, weights: Weights) -> BalanceState:
        return BalanceState({name: jnp.zeros_like(weight) for name, weight in weights.items()}, jnp.asarray(0))

    def update(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: BalanceState
    ) -> tuple[Weights, BalanceState]:
        sizes, kept = self.balance(residuals, params, batch)
        mean = jnp.mean(jnp.stack([jnp.mean(size) for size in sizes.values()]))
        # A size of zero (a condition that is solved, or independent of the parameters) gives a finite weight.
        floor = jnp.finfo(mean.dtype).eps * mean + jnp.finfo(mean.dtype).tiny
        log_weight = lambda size: jnp.log(mean + floor) - jnp.log(size + floor)
        mean_log = {
            name: self.momentum * state.mean_log[name] + (1 - self.momentum) * log_weight(size)
            for name, size in sizes.items()
        }
        updates = state.updates + 1
        filled = 1 - self.momentum**updates
        weights = {name: jnp.exp(value / filled) for name, value in mean_log.items()}
        return normalise(weights, kept), BalanceState(mean_log, updates)


def normalise(weights: Weights, kept: Sizes) -> Weights:
    r"""`weights` times a factor that makes $\sum_k \overline{w_k m_k} = \sum_k \overline{m_k}$."""
    total = lambda sizes: jnp.sum(jnp.stack(list(mean_weights(sizes).values())))
    factor = total(kept) / total({name: weights[name] * size for name, size in kept.items()})
    return {name: factor * weight for name, weight in weights.items()}
