"""How much each condition counts in the loss."""

import abc
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._types import Params, Scalar, Weights
from .linearization import block_traces
from .problem import ProblemError
from .residuals import Batch, ResidualFunctions


class WeightingState(eqx.Module):
    """Running mean of the logarithms of raw weights, and the share of it that has been filled."""

    mean_log: dict[str, Scalar]
    filled: Scalar


class AbstractWeighting(eqx.Module):
    r"""Weights inverse to a positive size of each condition.

    With sizes $s_k$ the raw weights are $w_k = \bar{s} / s_k$, normalised by `normalise`, averaged in log space with
    bias correction, and renewed every `every` steps.
    """

    every: eqx.AbstractVar[int]
    momentum: eqx.AbstractVar[float]

    @abc.abstractmethod
    def sizes(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> dict[str, Scalar]:
        """How large each condition is in the sense that the weights shall balance."""

    def init(self, conditions: tuple[str, ...]) -> WeightingState:
        dtype = jnp.result_type(float)
        return WeightingState({name: jnp.zeros((), dtype) for name in conditions}, jnp.zeros((), dtype))

    def update(
        self, residuals: ResidualFunctions, params: Params, batch: Batch, state: WeightingState
    ) -> tuple[Weights, WeightingState]:
        """New weights at the current parameters."""
        sizes = self.sizes(residuals, params, batch)
        mean = jnp.mean(jnp.stack(list(sizes.values())))
        # A condition of size zero (solved, or blind to the parameters) keeps a finite weight.
        floor = jnp.finfo(mean.dtype).eps * mean + jnp.finfo(mean.dtype).tiny
        logs = {name: jnp.log(mean + floor) - jnp.log(size + floor) for name, size in sizes.items()}
        filled = self.momentum * state.filled + (1 - self.momentum)
        mean_log = {
            name: self.momentum * state.mean_log[name] + (1 - self.momentum) * log for name, log in logs.items()
        }
        weights = {name: jnp.exp(value / filled) for name, value in mean_log.items()}
        return normalise(weights, sizes), WeightingState(mean_log, filled)


class NTKWeighting(AbstractWeighting):
    r"""$w_k \propto \mathrm{tr}\,K / \mathrm{tr}\,K_{kk}$, with K the unweighted training kernel.

    Normalised so that $\sum_k w_k \mathrm{tr}\,K_{kk} = \mathrm{tr}\,K$: the weights move the balance between
    conditions and leave the total rate of training, hence the learning rate, alone. The traces are exact and need no
    Jacobian in memory.

    Wang, Yu & Perdikaris, *When and why PINNs fail to train: a neural tangent kernel perspective*, JCP 449, 2022.
    """

    every: int = 100
    momentum: float = 0.9

    def sizes(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> dict[str, Scalar]:
        return block_traces(residuals, params, batch)


class GradientNormWeighting(AbstractWeighting):
    r"""$w_k \propto \|\nabla L_k\|^{-1}$: the gradients of all conditions get one length.

    Wang, Sankaran, Wang & Perdikaris, *An expert's guide to training PINNs*, 2023.
    """

    every: int = 100
    momentum: float = 0.9

    def sizes(self, residuals: ResidualFunctions, params: Params, batch: Batch) -> dict[str, Scalar]:
        def norm(name: str) -> Float[Array, ""]:
            one = {name: batch[name]}
            gradient = jax.grad(lambda params: residuals.loss(params, one, {name: jnp.ones(())})[0])(params)
            return jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradient)))

        return {name: norm(name) for name in batch}


def normalise(weights: Weights, sizes: Mapping[str, Scalar]) -> Weights:
    r"""`weights` times a factor that makes $\sum_k w_k s_k = \sum_k s_k$."""
    factor = sum(sizes.values()) / sum(weights[name] * sizes[name] for name in sizes)
    return {name: factor * weight for name, weight in weights.items()}


def fixed_weights(conditions: tuple[str, ...], weights: Mapping[str, float] | None) -> Weights:
    """One weight for each condition, 1 where none is given.

    **Raises:** `ProblemError` for an unknown condition or a weight that is not a finite number ≥ 0.
    """
    given = dict(weights or {})
    if unknown := sorted(set(given) - set(conditions)):
        raise ProblemError(f"weights are given for unknown condition(s) {unknown}; there are {list(conditions)}")
    if wrong := {name: w for name, w in given.items() if not (0 <= w < float("inf"))}:
        raise ProblemError(f"a weight is a finite number ≥ 0, got {wrong}")
    return {name: jnp.asarray(given.get(name, 1.0), float) for name in conditions}
