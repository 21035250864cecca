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
    """

    push: Callable[[Params], Array]
    pull: Callable[[Array], Params]
    opt_state: Any
    progress: Scalar


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
    """- `probe`: a tree close to the leading eigenvector (for gradient descent);
    - `mean_log`: mean logarithm of the rates measured so far; `measured`: their number.
    """

    probe: Params
    mean_log: Scalar
    measured: Scalar


class NTKLearningRate(AbstractLearningRate):
    r"""The rate from the curvature of the kernel along the step.

    For gradient descent, which diverges above $2/\lambda_{\max}(K)$, $\eta = c/\lambda_{\max}(K)$: the eigenvalue is
    followed by power iteration, one product with the kernel a step, warm from step to step.

    For Adam, whose preconditioner is $P = \sqrt{\hat v} + \epsilon$, the curvature along the update d is the Rayleigh
    quotient $\rho = \|Jd\|^2 / d^\top P d$ of the preconditioned kernel, and $\eta = c/\rho$. It is averaged in log
    space over the first `window` steps and then held: later the quotient follows the rate instead of
    telling it (the smaller the steps, the smaller the gradients and P, the larger ρ), and a rate that
    goes on following it collapses.

    - `safety`: c; below 2 for gradient descent to be stable while the eigenvalue grows between steps;
    - `window`: steps over which the rate for Adam is measured;
    - `cosine`: whether the rate decays along a half cosine over the phase;
    - `b2`, `epsilon`: those of Adam.

    Cohen et al., *Adaptive gradient methods at the edge of stability*, 2022, on why ρ follows η.
    """

    safety: float = 0.5
    window: int = 100
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
        if optax.tree_utils.tree_get(context.opt_state, "nu") is None:
            state = self._from_largest_eigenvalue(context, state)
        else:
            measure = lambda: self._from_update(direction, context, state)
            state = jax.lax.cond(state.measured < self.window, measure, lambda: state)
        rate = jnp.exp(state.mean_log)
        return rate * (cosine_decay(context.progress) if self.cosine else 1.0), state

    def _from_largest_eigenvalue(self, context: StepContext, state: RateState) -> RateState:
        sweeps = jnp.where(state.measured == 0, 20, 1)  # the first measurement starts from noise
        probe, eigenvalue = jax.lax.fori_loop(
            0,
            sweeps,
            lambda _, carry: _power_step(carry[0], context),
            (state.probe, jnp.zeros_like(state.mean_log)),
        )
        return RateState(probe, jnp.log(self.safety / eigenvalue), state.measured + 1)

    def _from_update(self, direction: Params, context: StepContext, state: RateState) -> RateState:
        pushed = context.push(direction)
        curvature = jnp.vdot(pushed, pushed) / self._preconditioned_square(direction, context.opt_state)
        measured = state.measured + 1
        change = (jnp.log(self.safety / curvature) - state.mean_log) / measured
        return RateState(state.probe, state.mean_log + change, measured)

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
