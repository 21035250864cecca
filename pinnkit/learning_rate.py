"""How long a step is, from the eigenvalues of the kernel it moves through."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array, Float

from ._types import Key, Params, Scalar


class StepContext(eqx.Module):
    """What a rate may look at.

    - `push`, `pull`: products $Jv$ and $J^\\top a$ with the Jacobian of the scaled residual at the current
      parameters, on trees of parameters;
    - `opt_state`: state of the optimizer after it has made the direction;
    - `progress`: share of the phase that is over, between 0 and 1;
    - `step`: number of steps taken.
    """

    push: Callable[[Params], Array]
    pull: Callable[[Array], Params]
    opt_state: Any
    progress: Scalar
    step: Array


class AbstractLearningRate(eqx.Module):
    """A strategy for the learning rate. Updates are −η · direction."""

    @abc.abstractmethod
    def init(self, params: Params, key: Key) -> Any:
        """State before the first step."""

    @abc.abstractmethod
    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        """The rate for this step, and the next state."""


class ConstantLearningRate(AbstractLearningRate):
    """One rate throughout, with a cosine decay to zero where asked for."""

    value: float
    cosine: bool = False

    def init(self, params: Params, key: Key) -> Any:
        return ()

    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        decay = cosine_decay(context.progress) if self.cosine else jnp.ones_like(context.progress)
        return self.value * decay, state


class RateState(eqx.Module):
    """- `probe`: a tree close to the leading eigenvector (for gradient descent); `mean_log`: running mean of the
    logarithm of the rate, and `filled`, the share of it that has been filled.
    """

    probe: Params
    mean_log: Scalar
    filled: Scalar


class NTKLearningRate(AbstractLearningRate):
    r"""The rate from the curvature of the kernel along the step.

    For gradient descent, which diverges above $2/\lambda_{\max}(K)$, $\eta = c/\lambda_{\max}(K)$: the eigenvalue is
    followed by power iteration, one product with the kernel a step, warm from step to step.

    For Adam, whose preconditioner is $P = \sqrt{\hat v} + \epsilon$, the largest eigenvalue of $J P^{-1} J^\top$ is
    dominated by parameters that do not move. The Rayleigh quotient along the update d itself,
    $\rho = \|Jd\|^2 / d^\top P d$, is not: $\eta = c/\rho$, averaged in log space with `momentum`, with a cosine decay.

    - `safety`: c; below 2 for gradient descent to be stable while the eigenvalue grows between steps;
    - `every`: steps between two measurements;
    - `momentum`: of the running mean (Adam only);
    - `b2`, `epsilon`: those of Adam.
    """

    safety: float = 0.3
    every: int = 1
    momentum: float = 0.99
    cosine: bool = True
    b2: float = 0.999
    epsilon: float = 1e-8

    def init(self, params: Params, key: Key) -> RateState:
        leaves, tree = jax.tree.flatten(params)
        keys = jr.split(key, len(leaves))
        probe = [jr.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
        zero = jnp.zeros((), jnp.result_type(*leaves))
        return RateState(tree.unflatten(probe), zero, zero)

    def update(self, direction: Params, context: StepContext, state: RateState) -> tuple[Scalar, RateState]:
        second_moment = optax.tree_utils.tree_get(context.opt_state, "nu")
        measure = self._from_largest_eigenvalue if second_moment is None else self._from_update
        due = (context.step % self.every == 0) | (state.filled == 0)
        state = jax.lax.cond(due, lambda: measure(direction, context, state), lambda: state)
        rate = jnp.exp(state.mean_log / state.filled)
        return rate * (cosine_decay(context.progress) if self.cosine else 1.0), state

    def _from_largest_eigenvalue(self, direction: Params, context: StepContext, state: RateState) -> RateState:
        del direction
        sweeps = jnp.where(state.filled == 0, 20, 1)  # the first measurement starts from noise
        probe, eigenvalue = jax.lax.fori_loop(
            0, sweeps, lambda _, carry: _power_step(carry[0], context), (state.probe, jnp.zeros_like(state.filled))
        )
        one = jnp.ones_like(state.filled)
        return RateState(probe, jnp.log(self.safety / eigenvalue), one)

    def _from_update(self, direction: Params, context: StepContext, state: RateState) -> RateState:
        pushed = context.push(direction)
        curvature = jnp.vdot(pushed, pushed) / self._preconditioned_square(direction, context.opt_state)
        momentum = self.momentum**self.every
        return RateState(
            state.probe,
            momentum * state.mean_log + (1 - momentum) * jnp.log(self.safety / curvature),
            momentum * state.filled + (1 - momentum),
        )

    def _preconditioned_square(self, direction: Params, opt_state: Any) -> Float[Array, ""]:
        """dᵀPd with P from Adam's bias-corrected second moment."""
        nu, count = (optax.tree_utils.tree_get(opt_state, name) for name in ("nu", "count"))

        def part(d: Array, v: Array) -> Array:
            corrected = v / (1 - self.b2 ** count.astype(v.dtype))
            return jnp.sum((jnp.sqrt(corrected) + self.epsilon) * d**2)

        return jnp.sum(jnp.stack(jax.tree.leaves(jax.tree.map(part, direction, nu))))


def cosine_decay(progress: Scalar) -> Scalar:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1)))


def _power_step(probe: Params, context: StepContext) -> tuple[Params, Scalar]:
    norm = optax.tree_utils.tree_norm(probe)
    unit = optax.tree_utils.tree_scale(1 / norm, probe)
    pushed = context.push(unit)
    return context.pull(pushed), jnp.vdot(pushed, pushed)
