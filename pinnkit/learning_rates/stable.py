"""A learning rate for gradient descent below the limit of stability."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array

from .._base.arguments import check_flag, check_positive, check_whole
from .._base.types import Key, Params, Scalar
from .cosine_decay import cosine_decay
from .power_iteration import power_iteration
from .rule import AbstractLearningRate, StepContext


class Stability(eqx.Module):
    """- `probe`: a tree close to the leading eigenvector; `eigenvalue`: the largest eigenvalue when last measured;
    - `gradient`: that of the last step; `turned`: whether it contradicted the one before it;
    - `interval`: steps between two measurements; `left`: steps until the next one; `steps`: steps taken so far.
    """

    probe: Params
    eigenvalue: Scalar
    gradient: Params
    turned: Array
    interval: Scalar
    left: Scalar
    steps: Scalar


class StableLearningRate(AbstractLearningRate):
    r"""$\eta = c/\lambda_{\max}(K)$ for gradient descent, which diverges above $2/\lambda_{\max}$.

    The eigenvalue is measured by power iteration, which starts from the last eigenvector. The interval between two
    measurements is chosen such that the eigenvalue would grow by the factor `growth` at its last pace. In the first
    steps, where it grows most, it is measured at every step, and the rate grows linearly to its full value.

    Between measurements, every gradient is compared with the one before, at no cost. A gradient that points against the
    one before (cosine below −½) or is twice as long may merely come from other points. Two of these in a row, or one
    that is ten times as long, come from a step that was too long for the curvature along it: the eigenvalue is then
    measured at once.

    - `safety`: c, below 2;
    - `growth`: factor by which the eigenvalue may grow between two measurements, below 2/c;
    - `longest`: most steps between two measurements; `warm_up`: number of first steps, at least 1;
    - `cosine`: whether the rate decays to zero along half a cosine over the phase.
    """

    safety: float = 0.5
    growth: float = 1.5
    longest: int = 100
    warm_up: int = 10
    cosine: bool = False

    def __check_init__(self) -> None:
        check_positive(safety=self.safety, growth=self.growth)
        check_whole(longest=self.longest, warm_up=self.warm_up)
        check_flag(cosine=self.cosine)

    def init(self, params: Params, key: Key) -> Stability:
        leaves, tree = jax.tree.flatten(params)
        keys = jr.split(key, len(leaves))
        probe = [jr.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
        zero = jnp.zeros((), jnp.result_type(*leaves))
        none = optax.tree_utils.tree_zeros_like(params)
        return Stability(tree.unflatten(probe), zero, none, jnp.asarray(False), zero + 1, zero, zero)

    def update(self, direction: Params, context: StepContext, state: Stability) -> tuple[Scalar, Stability]:
        vdot = lambda a, b: jnp.asarray(optax.tree_utils.tree_vdot(a, b))
        before, after = vdot(state.gradient, state.gradient), vdot(direction, direction)
        turned = (vdot(direction, state.gradient) < -0.5 * jnp.sqrt(before * after)) | (after > 4 * before)
        is_due = (state.left <= 0) | (turned & state.turned) | (after > 100 * before)
        state = jax.lax.cond(is_due, lambda: self._measured(context, state), lambda: state)
        steps = state.steps + 1
        rate = self.safety / state.eigenvalue * jnp.minimum(steps / self.warm_up, 1.0)
        decay = cosine_decay(context.progress) if self.cosine else 1.0
        return rate * decay, Stability(
            state.probe, state.eigenvalue, direction, turned, state.interval, state.left - 1, steps
        )

    def _measured(self, context: StepContext, state: Stability) -> Stability:
        probe, eigenvalue = power_iteration(state.probe, state.eigenvalue, context)
        grown = jnp.maximum(jnp.log(eigenvalue) - jnp.log(state.eigenvalue), 0)
        passed = jnp.maximum(state.interval - state.left, 1)
        wanted = passed * math.log(self.growth) / jnp.maximum(grown, math.log(self.growth) / self.longest)
        most = jnp.where(state.steps < self.warm_up, 1, jnp.minimum(2 * state.interval, self.longest))
        interval = jnp.clip(jnp.floor(wanted), 1, most)
        return Stability(probe, eigenvalue, state.gradient, state.turned, interval, interval, state.steps)
